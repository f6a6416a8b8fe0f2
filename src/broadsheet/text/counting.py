"""Numbers of things, in the English of the command line."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """`number` of `noun`s: "1 article", "2 articles"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
