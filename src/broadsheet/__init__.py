"""Broadsheet publishes a folder of Markdown articles as feeds and mail digests."""

__version__ = "0.1.0"
