"""Decode a CSV file in whatever encoding it was saved.

Excel writes UTF-8 with a byte order mark, UTF-16, or the encoding of the system's language: GBK in
mainland China, Big5 in Taiwan, windows-1252 in the West. The file does not say which.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from broadsheet.errors import Problem, UsageError

BROKEN: Final = "\N{REPLACEMENT CHARACTER}"
"""Replaces bytes that are not valid in the encoding."""

_SAMPLE_BYTES: Final = 1 << 16
_SAMPLE_LINES: Final = 1000
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The lead bytes of common characters: level 1 of GB 2312, of Big5 and of JIS X 0208 with kana, and
# the syllables of KS X 1001.
_COMMON: Final = {
    "gb18030": range(0xB0, 0xD8),
    "big5": range(0xA4, 0xC7),
    "cp932": (0x82, 0x83, *range(0x88, 0x98)),
    "cp949": range(0xB0, 0xC9),
}
_MIN_SECOND_BYTE: Final = {"gb18030": 0xA1, "cp949": 0xA1}  # of common characters
_MIN_SHARE: Final = 0.65  # of common characters, in a text of that encoding
_MIN_KOREAN_CHARS: Final = 8  # fewer could be Chinese too, which uses the same bytes
_SINGLE_BYTE: Final = ["cp1252", "cp1251"]  # those that can be distinguished


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A text and the name of its encoding. guessed: whether the bytes do not prove it."""

    text: str
    encoding: str
    guessed: bool = False


def decode_text(data: bytes, shown: str, encoding: str = "") -> DecodedText:
    """Decode a file; invalid bytes become `BROKEN`.

    shown: what messages call the file. encoding: its name, or "" to detect it. Raises UsageError
    for an unknown name.
    """
    if encoding:
        return DecodedText(_named(data, shown, encoding), encoding)
    for mark, name in _MARKS:
        if data.startswith(mark):
            return DecodedText(data[len(mark) :].decode(name, "replace"), name)
    if wide := _utf16_without_mark(data[:_SAMPLE_BYTES]):
        return DecodedText(data.decode(wide, "replace"), wide)
    lines = [line for line in data.splitlines() if not line.isascii()]
    if _is_utf8(lines):
        return DecodedText(data.decode("utf-8", "replace"), "utf-8")
    found = _detect_legacy(lines)
    return DecodedText(data.decode(found, "replace"), found, guessed=True)


def _named(data: bytes, shown: str, encoding: str) -> str:
    try:
        return data.decode(encoding, "replace").removeprefix("\ufeff")
    except (LookupError, UnicodeError):
        raise UsageError(
            Problem(f"unknown encoding {encoding!r}", "use a name such as gb18030 or big5", shown)
        ) from None


def _utf16_without_mark(sample: bytes) -> str:
    """Return the variant of UTF-16, or "": every ASCII character has a NUL before or after it."""
    half = len(sample) // 2
    before, after = sample[::2].count(0), sample[1::2].count(0)
    if after > half // 5 and before <= after // 20:
        return "utf-16-le"
    if before > half // 5 and after <= before // 20:
        return "utf-16-be"
    return ""


def _is_utf8(lines: Sequence[bytes]) -> bool:
    """Whether these lines are UTF-8; a few broken ones among valid ones do not matter."""
    broken = sum(line.decode("utf-8", "ignore").encode() != line for line in lines)
    return not broken or broken < len(lines) - broken


def _detect_legacy(lines: Sequence[bytes]) -> str:
    """Return the most likely encoding from before Unicode."""
    sample = b"\n".join(lines[:_SAMPLE_LINES])
    shares = {name: _share(sample, name) for name in _COMMON}
    likely = [name for name, (share, _) in shares.items() if share >= _MIN_SHARE]
    if not likely:
        return _detect_single_byte(sample)
    best = max(likely, key=lambda name: shares[name][0])  # the first of equals
    if best == "gb18030" and "cp949" in likely:
        korean, count = shares["cp949"]
        return "cp949" if korean == 1 and count >= _MIN_KOREAN_CHARS else best
    return best


def _share(sample: bytes, encoding: str) -> tuple[float, int]:
    """Return the share of common characters among those outside ASCII, and the number of these."""
    characters = [
        character
        for character in sample.decode(encoding, "replace")
        if not character.isascii() and (character.isalpha() or character == BROKEN)
    ]
    encoded = (character.encode(encoding, "ignore") for character in characters)
    common = sum(_is_common(raw, encoding) for raw in encoded)
    return (common / len(characters) if characters else 0.0), len(characters)


def _is_common(raw: bytes, encoding: str) -> bool:
    return (
        len(raw) == 2
        and raw[0] in _COMMON[encoding]
        and raw[1] >= _MIN_SECOND_BYTE.get(encoding, 0)
    )


def _detect_single_byte(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_SINGLE_BYTE).best()
    return best.encoding if best is not None else "cp1252"
