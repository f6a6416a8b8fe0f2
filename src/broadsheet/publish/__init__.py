"""Copies the feeds folder to where it is served, then notifies hubs and webhooks.

Only `broadsheet publish` uses the network for this; nothing below imports this package.
"""
