"""Plain text: how wide it is, and its user-perceived characters."""

from __future__ import annotations

import wcwidth

from broadsheet.text.plain import graphemes, width


def test_common_characters_are_measured_as_wcwidth_does() -> None:
    """It takes long to import, so plain Latin and Chinese texts do without it."""
    blocks = ((0x20, 0x7F), (0xA0, 0x180), (0x3000, 0x3100), (0x4E00, 0xA000), (0xFF00, 0xFFF0))
    for code in (code for first, end in blocks for code in range(first, end)):
        text = f"字{chr(code)}a"
        assert width(text) == wcwidth.width(text, control_codes="ignore"), hex(code)
        assert [*graphemes(text)] == [*wcwidth.iter_graphemes(text)], hex(code)
