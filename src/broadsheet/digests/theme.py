"""The theme of a digest: its colours and fonts from the config, always readable.

Text has a contrast of at least 4.5:1 with its background (WCAG 2.2, section 1.4.3). Colours are
read as CSS and HTML write them: the common names, #rgb, #rrggbb, rgb() and hsl().
"""

from __future__ import annotations

import re
from colorsys import hls_to_rgb
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from broadsheet.model.publication import Publication
from broadsheet.model.settings import MailSettings
from broadsheet.text.urls import encode, join

if TYPE_CHECKING:  # slow to import
    from babel import Locale

LEAST_CONTRAST = 4.5

# Without quotation marks, which every style attribute would have to escape. CSS allows family names
# of several words (CSS Fonts 4, section 2.1).
_LATIN = "-apple-system, BlinkMacSystemFont, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"
_TEXT_FONTS = {
    "zh-Hans": "PingFang SC, Hiragino Sans GB, Microsoft YaHei, Noto Sans CJK SC, sans-serif",
    "zh-Hant": "PingFang TC, Microsoft JhengHei, Noto Sans CJK TC, sans-serif",
    "ja": "Hiragino Sans, Yu Gothic, Meiryo, Noto Sans CJK JP, sans-serif",
    "ko": "Apple SD Gothic Neo, Malgun Gothic, Noto Sans CJK KR, sans-serif",
}
_HEADING_FONTS = "Georgia, Times New Roman, serif"
# Word, which renders Outlook's mail, uses the first family only.
_OUTLOOK_FONTS = {
    "zh-Hans": "Microsoft YaHei",
    "zh-Hant": "Microsoft JhengHei",
    "ja": "Meiryo",
    "ko": "Malgun Gothic",
}
_FAMILY = re.compile(r"-?[^\W\d][\w-]*(?: [^\W\d][\w-]*)*")


class Colours(Struct, frozen=True):
    """The colours of one scheme, each as #rrggbb.

    paper is behind the sheet, sheet behind the text. ink, soft and link are text on the sheet, foot
    is text on the paper, accent and line are rules.
    """

    paper: str
    sheet: str
    ink: str
    soft: str
    foot: str
    link: str
    accent: str
    line: str


class Theme(Struct, frozen=True):
    """The colours, fonts and logo of a digest.

    fonts, headings: font families as in CSS, without quotation marks. outlook: the one family for
    Outlook. logo, logo_dark: absolute URLs, or "". logo_width: pixels. wide: whether the text has
    wide characters, which need more space between lines.
    """

    light: Colours
    dark: Colours
    fonts: str
    headings: str
    outlook: str
    wide: bool
    logo: str
    logo_dark: str
    logo_width: int


def mail_theme(mail: MailSettings, locale: Locale, publication: Publication) -> Theme:
    """Return the theme by [mail] of the config, in the language of `locale`."""
    script = _script(locale)
    given = _families(mail.fonts)
    text = given or _TEXT_FONTS.get(script, _LATIN)
    return Theme(
        light=_light(mail),
        dark=_dark(mail),
        fonts=text,
        headings=text if given or script in _TEXT_FONTS else _HEADING_FONTS,
        outlook=given.partition(",")[0] or _OUTLOOK_FONTS.get(script, "Arial"),
        wide=script in _TEXT_FONTS and script != "ko",
        logo=_image(mail.logo, publication),
        logo_dark=_image(mail.logo_dark, publication) if mail.logo else "",
        logo_width=mail.logo_width,
    )


def _image(path: str, publication: Publication) -> str:
    return join(publication.url, encode(path)) if path else ""


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, #rrggbb, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, ground: str) -> str:
    """Return `colour`, moved towards black or white until it is readable on `ground`."""
    far = max("#000000", "#ffffff", key=lambda end: contrast(end, ground))
    steps = (mix(colour, far, step / 20) for step in range(21))
    return next(found for found in steps if contrast(found, ground) >= LEAST_CONTRAST)


def mix(one: str, other: str, share: float) -> str:
    """Return the colour between two. share: of the way from `one` to `other`, from 0 to 1."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _light(mail: MailSettings) -> Colours:
    sheet = "#ffffff"
    ink = readable(mail.ink.lower(), sheet)
    line = mix(ink, sheet, 0.86)
    return Colours(
        paper=mail.paper.lower(),
        sheet=sheet,
        ink=ink,
        # On the line's colour too, which is behind the alternative text of an image.
        soft=readable(mix(ink, sheet, 0.35), line),
        foot=readable(mix(ink, mail.paper, 0.3), mail.paper),
        link=readable(mail.accent.lower(), sheet),
        accent=mail.accent.lower(),
        line=line,
    )


def _dark(mail: MailSettings) -> Colours:
    paper, sheet = "#15181b", "#1d2125"
    return Colours(
        paper=paper,
        sheet=sheet,
        ink="#e8e6e1",
        soft="#a3abb3",
        foot="#a3abb3",
        link=readable(mail.accent_dark.lower(), sheet),
        accent=mail.accent_dark.lower(),
        line="#343b42",
    )


def _script(locale: Locale) -> str:
    if locale.language != "zh":
        return str(locale.language)
    return "zh-Hant" if locale.script == "Hant" else "zh-Hans"


def _families(fonts: str) -> str:
    """The font families in `fonts`, without quotation marks and invalid names."""
    names = (name.strip().strip("\"'").strip() for name in fonts.split(","))
    return ", ".join(name for name in names if _FAMILY.fullmatch(name))


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


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


def css_colour(text: str) -> str:
    """Return a CSS colour as #rrggbb; "" if unknown or transparent."""
    text = text.strip()
    if text in _NAMED:
        return _NAMED[text]
    if found := re.fullmatch(r"#?([0-9a-f]{3,8})", text):
        digits = found[1] if len(found[1]) > 4 else "".join(c * 2 for c in found[1])
        clear = len(digits) == 8 and int(digits[6:], 16) < 255 * FAINT
        if len(digits) in {6, 8} and not clear:
            return f"#{digits[:6]}"
    return "" if is_transparent(text) else _of_function(text)


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


def is_transparent(text: str) -> bool:
    """Whether a colour is transparent."""
    if text == "transparent":
        return True
    if found := re.fullmatch(r"#(?:[0-9a-f]{3}([0-9a-f])|[0-9a-f]{6}([0-9a-f]{2}))", text):
        return int((found[1] or "") * 2 or found[2], 16) < 255 * FAINT
    parts = _NUMBER.findall(text) if re.match(r"(rgb|hsl)a?\(", text) else []
    if len(parts) < 4:
        return False
    return float(parts[3][0]) / (100 if parts[3][1] == "%" else 1) < FAINT
