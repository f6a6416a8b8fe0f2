"""Digests: the issues that are due, their articles, and their mail."""
