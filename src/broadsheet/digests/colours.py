"""Colours as CSS and HTML write them: the common names, #rgb, #rrggbb, rgb() and hsl()."""

from __future__ import annotations

import re
from colorsys import hls_to_rgb
from typing import Final

FAINT: Final = 0.1
"""Below this alpha, nothing is visible."""

_NUMBER: Final = re.compile(r"(-?(?:\d+\.?\d*|\.\d+))([a-z%]*)")
_NAMED: Final = {
    "black": "#000000", "white": "#ffffff", "red": "#ff0000", "lime": "#00ff00",
    "blue": "#0000ff", "yellow": "#ffff00", "aqua": "#00ffff", "cyan": "#00ffff",
    "fuchsia": "#ff00ff", "magenta": "#ff00ff", "gray": "#808080",
    "grey": "#808080", "silver": "#c0c0c0", "maroon": "#800000",
    "green": "#008000", "navy": "#000080", "olive": "#808000", "purple": "#800080",
    "teal": "#008080", "whitesmoke": "#f5f5f5", "snow": "#fffafa",
    "ivory": "#fffff0", "ghostwhite": "#f8f8ff", "lightgray": "#d3d3d3",
    "lightgrey": "#d3d3d3", "gainsboro": "#dcdcdc", "floralwhite": "#fffaf0",
    "aliceblue": "#f0f8ff", "azure": "#f0ffff", "mintcream": "#f5fffa", "seashell": "#fff5ee",
    "linen": "#faf0e6", "beige": "#f5f5dc", "honeydew": "#f0fff0", "oldlace": "#fdf5e6",
    "cornsilk": "#fff8dc", "lightyellow": "#ffffe0", "lavenderblush": "#fff0f5",
    "darkgray": "#a9a9a9", "darkgrey": "#a9a9a9", "dimgray": "#696969", "dimgrey": "#696969",
}  # fmt: skip


def parse(text: str) -> str:
    """A colour as #rrggbb; "" if unknown or transparent."""
    text = text.strip()
    if text in _NAMED:
        return _NAMED[text]
    if found := re.fullmatch(r"#?([0-9a-f]{3,8})", text):
        digits = found[1] if len(found[1]) > 4 else "".join(c * 2 for c in found[1])
        clear = len(digits) == 8 and int(digits[6:], 16) < 255 * FAINT
        if len(digits) in {6, 8} and not clear:
            return f"#{digits[:6]}"
    return "" if is_clear(text) else _of_function(text)


def _of_function(text: str) -> str:
    """The colour of rgb() or hsl() as #rrggbb; "" for any other text."""
    kind = re.match(r"(rgb|hsl)a?\(", text)
    parts = _NUMBER.findall(text)[:3]
    if not kind or len(parts) < 3:
        return ""
    if kind[1] == "rgb":
        shares = [float(n) / (100 if unit == "%" else 255) for n, unit in parts]
    else:
        hue, saturation, lightness = (float(n) for n, _ in parts)
        shares = [*hls_to_rgb(hue / 360 % 1, lightness / 100, saturation / 100)]
    return "#" + "".join(f"{min(255, max(0, round(each * 255))):02x}" for each in shares)


def is_clear(text: str) -> bool:
    """Whether a colour is transparent."""
    if text == "transparent":
        return True
    if found := re.fullmatch(r"#(?:[0-9a-f]{3}([0-9a-f])|[0-9a-f]{6}([0-9a-f]{2}))", text):
        return int((found[1] or "") * 2 or found[2], 16) < 255 * FAINT
    parts = _NUMBER.findall(text) if re.match(r"(rgb|hsl)a?\(", text) else []
    if len(parts) < 4:
        return False
    return float(parts[3][0]) / (100 if parts[3][1] == "%" else 1) < FAINT
