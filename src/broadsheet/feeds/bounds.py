"""How large an entry can be, known without making it."""

from __future__ import annotations


def entry_bounds(metadata: int, html: str) -> tuple[int, int]:
    """Return the lengths in bytes between which an entry with its text is, in any format.

    metadata: the length in bytes of its `Article` as JSON. html: its content.
    """
    escapes = sum(map(html.count, '<>&"\\\n'))  # the longest adds four characters
    least = len(html.encode())
    return least, least + 4 * escapes + 12 * metadata + 8_000
