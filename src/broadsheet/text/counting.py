"""Counts in English, for the command line."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """Return a count: "1 article", "2 articles"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
