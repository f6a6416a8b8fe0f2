"""Bytes of a spreadsheet file -> text, whatever encoding the spreadsheet saved it in.

Excel writes UTF-8 with a byte order mark, UTF-16, or the encoding of the system's language: GBK in
mainland China, Big5 in Taiwan, windows-1252 in the west. The file does not say which.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from broadsheet.errors import Problem, UsageError

BROKEN: Final = "\N{REPLACEMENT CHARACTER}"
"""Stands in the text where bytes are not valid in its encoding."""

_SAMPLE: Final = 1 << 16  # bytes
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The lead bytes of the characters in daily use: level 1 of GB 2312, of Big5 and of JIS X 0208 with
# kana, and the syllables of KS X 1001.
_COMMON: Final = {
    "gb18030": range(0xB0, 0xD8),
    "big5": range(0xA4, 0xC7),
    "cp932": (0x82, 0x83, *range(0x88, 0x98)),
    "cp949": range(0xB0, 0xC9),
}
_SECOND: Final = {"gb18030": 0xA1, "cp949": 0xA1}  # the second byte of a common one, at least
_ENOUGH: Final = 0.65  # the share of characters in daily use, in a text of that encoding
_TELLING: Final = 8  # characters; fewer say little about Chinese or Korean, which share their bytes
_OTHERS: Final = ["cp1252", "cp1251"]  # of those that are left, the ones that can be told apart


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text and the name of its encoding. guessed: the bytes themselves do not prove it."""

    text: str
    encoding: str
    guessed: bool = False


def decode(data: bytes, shown: str, encoding: str = "") -> Decoded:
    """Decode a file; characters that are not valid become `BROKEN`.

    shown: what messages call the file. encoding: its name, or "" to find out. Raises UsageError for
    a name that Python does not know.
    """
    if encoding:
        return Decoded(_named(data, shown, encoding), encoding)
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Decoded(data[len(mark) :].decode(name, "replace"), name)
    if wide := _wide(data[:_SAMPLE]):
        return Decoded(data.decode(wide, "replace"), wide)
    if _is_utf8(data):
        return Decoded(data.decode("utf-8", "replace"), "utf-8")
    found = _legacy(data)
    return Decoded(data.decode(found, "replace"), found, guessed=True)


def _named(data: bytes, shown: str, encoding: str) -> str:
    try:
        return data.decode(encoding, "replace").removeprefix("\ufeff")
    except (LookupError, UnicodeError):
        raise UsageError(
            Problem(f"unknown encoding {encoding!r}", "use a name such as gb18030 or big5", shown)
        ) from None


def _wide(sample: bytes) -> str:
    """UTF-16 without a byte order mark: every ASCII character has a NUL before or after it."""
    half = len(sample) // 2
    before, after = sample[::2].count(0), sample[1::2].count(0)
    if after > half // 5 and before <= after // 20:
        return "utf-16-le"
    if before > half // 5 and after <= before // 20:
        return "utf-16-be"
    return ""


def _is_utf8(data: bytes) -> bool:
    """Whether it is UTF-8; some broken lines among others that prove it make no difference."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return True
    good = broken = 0
    for line in data.splitlines():
        if not line.isascii():
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                broken += 1
            else:
                good += 1
    return good > broken


def _legacy(data: bytes) -> str:
    """The most likely of the encodings that systems had before Unicode."""
    sample = _telling(data)
    shares = {name: _share(sample, name) for name in _COMMON}
    likely = [name for name, (share, _) in shares.items() if share >= _ENOUGH]
    if not likely:
        return _detected(sample)
    best = max(likely, key=lambda name: shares[name][0])  # the first of equals
    if best == "gb18030" and "cp949" in likely:
        korean, count = shares["cp949"]
        return "cp949" if korean == 1 and count >= _TELLING else best
    return best


def _telling(data: bytes) -> bytes:
    """The lines that are not ASCII, up to a limit."""
    lines: list[bytes] = []
    size = 0
    for line in data.splitlines(keepends=True):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > _SAMPLE:
                break
    return b"".join(lines)


def _share(sample: bytes, encoding: str) -> tuple[float, int]:
    """The share of characters in daily use among those outside ASCII, and how many these are."""
    characters = [
        character
        for character in sample.decode(encoding, "replace")
        if not character.isascii() and (character.isalpha() or character == BROKEN)
    ]
    common = sum(_is_common(raw, encoding) for raw in _encoded(characters, encoding))
    return (common / len(characters) if characters else 0.0), len(characters)


def _encoded(characters: Iterable[str], encoding: str) -> Iterable[bytes]:
    return (character.encode(encoding, "ignore") for character in characters)


def _is_common(raw: bytes, encoding: str) -> bool:
    return len(raw) == 2 and raw[0] in _COMMON[encoding] and raw[1] >= _SECOND.get(encoding, 0)


def _detected(sample: bytes) -> str:
    # Only where it is needed; it takes a moment to import.
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_OTHERS).best()
    return best.encoding if best is not None else "cp1252"
