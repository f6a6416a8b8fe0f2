"""Delivery: issues to subscribers, nobody lost and nobody twice.

An edge. What decides (waits, variants, addresses, signatures) is pure and apart from what acts
(the database, the mail server). Nothing here is imported before a command needs it.
"""
