"""How large an entry can be, known without making it."""

from __future__ import annotations


def most_bytes(metadata: int, html: str) -> int:
    """Return a length in bytes that no entry of an article exceeds, in any format.

    metadata: the length in bytes of its `Article` as JSON. html: its content.
    """
    escapes = sum(map(html.count, '<>&"\\\n'))  # the longest adds four characters
    return len(html.encode()) + 4 * escapes + 12 * metadata + 8_000
