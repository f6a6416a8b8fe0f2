"""The web service behind the links in the mail.

No cookies, no session, no script: the signed token in a link is all that a reader needs.
"""
