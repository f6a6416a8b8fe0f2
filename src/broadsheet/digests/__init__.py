"""Digests: which issues are due, what stands in them, and their mail."""
