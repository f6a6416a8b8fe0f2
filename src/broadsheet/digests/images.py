"""The images in sanitised HTML, found without a parser, which takes long to import."""

from __future__ import annotations

import re
from collections.abc import Mapping

from broadsheet.text.plain import unescape

_IMAGE = re.compile(r'<img\b(?:[^>"]|"[^"]*")*>')
_SOURCE = re.compile(r' src="([^"]*)"')
_SIZE = re.compile(r' (?:width|height)="')


def image_urls(html: str) -> frozenset[str]:
    """Return the URLs of the images in `html`."""
    sources = (_SOURCE.search(tag) for tag in _IMAGE.findall(html))
    return frozenset(unescape(source[1]) for source in sources if source)


def with_image_sizes(html: str, sizes: Mapping[str, tuple[int, int]]) -> str:
    """Return `html` with the sizes of its images. sizes: URL -> width and height in pixels."""

    def sized(tag: re.Match[str]) -> str:
        source = _SOURCE.search(tag[0])
        size = sizes.get(unescape(source[1])) if source else None
        if size is None or _SIZE.search(tag[0]):
            return tag[0]
        return f'<img width="{size[0]}" height="{size[1]}"{tag[0][4:]}'

    return _IMAGE.sub(sized, html)
