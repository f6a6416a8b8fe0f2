"""The small web service behind the links in the mail: an edge, and an extra.

`app` answers requests; `unsubscribing`, `preferring` and `subscribing` have a page each, and
`counter` what they share. `desk` knows the subscribers, `paper` makes the pages, `post` sends
letters after the answer; `guard`, `limits` and `door` keep what holds for all. No cookies,
no session, no script: a signed mark in a link is all that a reader needs.
"""
