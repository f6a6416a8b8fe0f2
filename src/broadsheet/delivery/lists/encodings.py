"""Decode a CSV file in whatever encoding it was saved.

Excel writes UTF-8 with a byte order mark, UTF-16, or the encoding of the system's language: GBK in
mainland China, Big5 in Taiwan, windows-1252 in the West. The file does not say which.
"""

from __future__ import annotations

import codecs
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final, NamedTuple

from broadsheet.errors import Problem, UsageError

BROKEN: Final = "\N{REPLACEMENT CHARACTER}"
"""Replaces bytes that are not valid in the encoding."""

_SAMPLE_BYTES: Final = 1 << 16
_SAMPLE_LINES: Final = 1000
_CHUNK_BYTES: Final = 1 << 20
_IN_MEMORY_BYTES: Final = 1 << 22  # of a file that is converted
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
    """A text, as a file in UTF-8 with "\\n" as line end, and the name of its former encoding.

    guessed: whether the bytes do not prove it.
    """

    file: BinaryIO
    encoding: str
    guessed: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        self.file.seek(0)
        return self.file.read().decode("utf-8", "replace")

    def count_lines(self) -> int:
        """Return the number of line ends."""
        return sum(chunk.count(b"\n") for chunk in _chunks(self.file))


def decode_text(data: bytes | BinaryIO, shown: str, encoding: str = "") -> DecodedText:
    """Decode a file, which stays open; invalid bytes become `BROKEN`.

    The file can be larger than the memory. If the result is another file, the caller closes that
    too. shown: what messages call it. encoding: its name, or ""
    to detect it. Raises UsageError for an unknown name.
    """
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    if encoding:
        return DecodedText(_converted(file, shown, encoding), encoding)
    file.seek(0)
    sample = file.read(_SAMPLE_BYTES)
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return DecodedText(_converted(file, shown, name), name)
    if wide := _utf16_without_mark(sample):
        return DecodedText(_converted(file, shown, wide), wide)
    found = _look_through(file)
    if found.is_utf8:
        return DecodedText(file if found.has_lines else _converted(file, shown, "utf-8"), "utf-8")
    legacy = _detect_legacy(found.sample)
    return DecodedText(_converted(file, shown, legacy), legacy, guessed=True)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return iter(partial(file.read, _CHUNK_BYTES), b"")


def _converted(file: BinaryIO, shown: str, encoding: str) -> BinaryIO:
    """Return a file in UTF-8 without a mark, and with line ends. Raises UsageError."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)
    except LookupError:
        raise _unknown(encoding, shown) from None
    is_small = file.seek(0, io.SEEK_END) <= _IN_MEMORY_BYTES
    new = io.BytesIO() if is_small else tempfile.TemporaryFile()  # noqa: SIM115 - for the caller
    for old_line_end in ("\n", "\r"):  # the one of old Macs, if the file has no other
        decode, has_lines, start = decoder("replace"), False, True
        new.seek(0)
        new.truncate()
        for chunk in (*_chunks(file), None):
            try:
                text = decode.decode(chunk or b"", chunk is None)
            except (UnicodeError, TypeError):  # such as the encoding "idna", or "hex"
                raise _unknown(encoding, shown) from None
            text = text.removeprefix("\ufeff") if start else text
            start = start and not text
            has_lines |= "\n" in text
            new.write(text.replace(old_line_end, "\n").encode("utf-8", "replace"))
        if has_lines:
            break
    return new


def _unknown(encoding: str, shown: str) -> UsageError:
    todo = "use a name such as gb18030 or big5"
    return UsageError(Problem(f"unknown encoding {encoding!r}", todo, shown))


class _Look(NamedTuple):
    """What a file looks like. sample: some lines that are not ASCII."""

    is_utf8: bool
    has_lines: bool
    sample: list[bytes]


def _look_through(file: BinaryIO) -> _Look:
    """Look at every line. It is UTF-8 if none is broken, or a few among valid ones."""
    total = broken = 0
    has_lines = False
    sample: list[bytes] = []
    file.seek(0)
    for part in file:
        has_lines = has_lines or part.endswith(b"\n")
        if part.isascii():
            continue
        for line in part.splitlines():
            if line.isascii():
                continue
            total += 1
            broken += line.decode("utf-8", "ignore").encode() != line
            if len(sample) < _SAMPLE_LINES:
                sample.append(line)
    return _Look(not broken or broken < total - broken, has_lines, sample)


def _utf16_without_mark(sample: bytes) -> str:
    """Return the variant of UTF-16, or "": every ASCII character has a NUL before or after it."""
    half = len(sample) // 2
    before, after = sample[::2].count(0), sample[1::2].count(0)
    if after > half // 5 and before <= after // 20:
        return "utf-16-le"
    if before > half // 5 and after <= before // 20:
        return "utf-16-be"
    return ""


def _detect_legacy(lines: Sequence[bytes]) -> str:
    """Return the most likely encoding from before Unicode."""
    sample = b"\n".join(lines)
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
