"""Whether an element of a finished mail is visible, by the CSS and HTML that can hide it.

Not a browser: it knows how mails hide things (preheaders, print-only parts), and is strict with
rules that apply only on some screens.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cssselect import SelectorError
from lxml.cssselect import CSSSelector
from lxml.etree import XPathError

from broadsheet.digests.theme import FAINT, contrast, css_colour, is_transparent

Declarations = dict[str, str]
"""CSS: property -> value, in lower case, without `!important`; the winner comes last."""

_NEVER_SHOWN: Final = frozenset(
    ("head", "title", "style", "script", "template", "textarea", "select", "object", "iframe")
)
_BLANK: Final = re.compile(
    "[\\s\u00a0\u00ad\u034f\u115f\u1160\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\u3164\ufeff]+"
)
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.IGNORECASE)
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_NUMBER: Final = re.compile(r"(-?(?:\d+\.?\d*|\.\d+))([a-z%]*)")
_FONT_SIZE: Final = re.compile(r"(?:^|\s)(\.?\d[\d.]*(?:[a-z]+|%)?)(?=\s*/|\s+\S)")
_TINY: Final = 2.0  # pixels (or points): too small to read or to click
_FAR: Final = -300.0  # pixels: beyond the edge of any mail
_CONTRAST: Final = 1.3  # WCAG 2.1, 1.4.3 asks for 4.5; below this nothing can be read
_WHITE: Final = "#ffffff"
_LINK: Final = "#0000ee"  # the default of browsers


class CssRule(NamedTuple):
    """A rule of a style sheet. conditional: only on some screens."""

    selector: str
    declarations: dict[str, tuple[str, bool]]
    conditional: bool


class CssVisibility:
    """The visible part of a document, by its `style` attributes and style sheets.

    queries: whether the rules of media queries apply too: a mail may show one part on small screens
    and another on large ones. Their colours are ignored, since dark mode changes all of them.
    """

    def __init__(self, tree: Any, *, queries: bool) -> None:
        self._queries = queries
        self._by_sheets: defaultdict[Any, dict[str, tuple[str, bool]]] = defaultdict(dict)
        for style in tree.iter("style"):
            for rule in rules(style.text or ""):
                if queries or not rule.conditional:
                    for element in _matches(tree, rule.selector):
                        _cascade(self._by_sheets[element], rule.declarations)

    def hidden_by(self, element: Any) -> str:
        """Return what hides all text of `element`, as a phrase; "" if some of it is visible."""
        found = [self._hides(parent, element) for parent in _texts(element)]
        return "" if "" in found else (found[0] if found else "it has no text")

    def _hides(self, parent: Any, link: Any) -> str:
        """What hides a text in the element `parent`, which is `link` or inside it."""
        chain = [parent, *parent.iterancestors()]
        for each in chain:
            if each.tag in _NEVER_SHOWN or each.get("hidden") is not None:
                return f"<{each.tag}>" if each.tag in _NEVER_SHOWN else "hidden"
        own = [self._declarations(each) for each in chain]
        if reason := next(filter(None, map(_hiding, own)), "") or _inherited(own):
            return f"{reason}, in a media query" if self._queries else reason
        return "" if self._queries else _like_its_background(own, chain.index(link) + 1)

    def _declarations(self, element: Any) -> Declarations:
        declared = dict(_attributes(element))
        by_sheets = self._by_sheets.get(element, {})
        inline = declarations(element.get("style") or "")
        for important in (False, True):
            _put(declared, by_sheets, important=important)
            _put(declared, inline, important=important)
        return declared


def declarations(css: str) -> dict[str, tuple[str, bool]]:
    """Return the declarations of a rule: property -> value in lower case, and whether important."""
    found: dict[str, tuple[str, bool]] = {}
    for declaration in _plain(css).split(";"):
        name, colon, value = declaration.partition(":")
        value, mark, _ = " ".join(value.split()).partition("!")
        if colon:
            _cascade(found, {name.strip(): (value.strip(), bool(mark))})
        if name.strip() == "font" and (size := _FONT_SIZE.search(value)):
            _cascade(found, {"font-size": (size[1], bool(mark))})
    return found


def rules(css: str) -> Iterator[CssRule]:
    """Yield the rules of a style sheet, without those for print."""
    text = re.sub("<!--|-->", "", _COMMENT.sub("", css))
    yield from _rules(text, conditional=False)


def _rules(text: str, *, conditional: bool) -> Iterator[CssRule]:
    at = 0
    while (start := text.find("{", at)) >= 0:
        prelude = text[at:start].rpartition(";")[2].strip()
        end = _closing(text, start)
        block = text[start + 1 : end]
        at = end + 1
        if prelude.startswith("@"):
            if re.match(r"@(media|supports|layer|container)\b", prelude, re.IGNORECASE):
                paper = re.fullmatch(r"@media\s+(only\s+)?print\b[^,]*", prelude, re.IGNORECASE)
                always = re.fullmatch(r"@media\s+(all|screen)", prelude, re.IGNORECASE)
                yield from () if paper else _rules(block, conditional=conditional or not always)
            continue
        declared = declarations(block)
        for selector in prelude.split(","):
            yield CssRule(selector.strip(), declared, conditional)


def _closing(text: str, start: int) -> int:
    depth = 0
    for found in re.finditer("[{}]", text[start:]):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return start + found.start()
    return len(text)


def _matches(tree: Any, selector: str) -> list[Any]:
    try:
        return list(_compiled(selector)(tree))
    except (SelectorError, XPathError):  # too new a selector, which mail clients ignore
        return []


@lru_cache(512)  # the same ones in every mail
def _compiled(selector: str) -> Any:
    return CSSSelector(selector, translator="html")


def _cascade(declared: dict[str, tuple[str, bool]], more: Mapping[str, tuple[str, bool]]) -> None:
    for name, (value, important) in more.items():
        if important or not declared.get(name, ("", False))[1]:
            declared[name] = (value, important)


def _put(
    declared: dict[str, str], more: Mapping[str, tuple[str, bool]], *, important: bool
) -> None:
    for name, (value, mark) in more.items():
        if mark == important:
            declared.pop(name, None)  # `background` after `background-color` wins
            declared[name] = value


def _plain(css: str) -> str:
    def char(found: re.Match[str]) -> str:
        code = int(found[1], 16) if found[1] else 0
        return (chr(code) if 0 < code < 0x110000 else "") if found[1] else found[2]

    return _ESCAPE.sub(char, _COMMENT.sub("", css)).lower()


def _texts(element: Any) -> Iterator[Any]:
    """The elements in `element`, including itself, that have text of their own."""
    for each in element.iter():
        if not isinstance(each.tag, str):
            continue
        words = [each.text, *(child.tail for child in each)]
        if each.tag == "img":
            words.append(each.get("alt"))
        if any(_BLANK.sub("", text or "") for text in words):
            yield each


def _attributes(element: Any) -> Iterator[tuple[str, str]]:
    if element.get("bgcolor"):
        yield "background-color", element.get("bgcolor").strip().lower()
    if element.tag == "font" and element.get("color"):
        yield "color", element.get("color").strip().lower()
    if element.tag == "img":
        for name in ("width", "height"):
            if (value := (element.get(name) or "").strip()).isdigit():
                yield name, f"{value}px"


def _hiding(declared: Declarations) -> str:
    """The declaration that hides an element and everything in it; "" if none does."""
    for name, test in _HIDING.items():
        if name in declared and test(declared[name]):
            return f"{name}: {declared[name]}"
    overflow = " ".join(declared.get(f"overflow{end}", "") for end in ("", "-x", "-y"))
    if "hidden" in overflow or "clip" in overflow:
        for name in ("height", "max-height", "width", "max-width"):
            if _pixels(declared.get(name, "")) <= _TINY:
                return f"{name}: {declared[name]}"
    return ""


def _inherited(own: Sequence[Declarations]) -> str:
    """The nearest declaration that hides a text, of those that inner elements may override."""
    for name, test in _INHERITED.items():
        value = next((each[name] for each in own if each.get(name, "inherit") != "inherit"), None)
        if value is not None and test(value):
            return f"{name}: {value}"
    return ""


def _like_its_background(own: Sequence[Declarations], inside: int) -> str:
    """A colour that is too close to its background; "" if there is none.

    own: declarations from a text up to the root; the first `inside` are the link's and inside it.
    """
    given = [each["color"] for each in own[:inside] if "color" in each]
    if given and given[0] in {"inherit", "currentcolor"}:
        given = [each["color"] for each in own[inside:] if "color" in each]
    value = given[0] if given else _LINK
    colour = css_colour(value)
    behind = next(filter(None, map(_background, own)), _WHITE)
    if is_transparent(value) or (colour and contrast(colour, behind) < _CONTRAST):
        return f"color: {value}, on {behind}"
    return ""


def _background(declared: Declarations) -> str:
    for name in reversed(declared):
        if name in {"background", "background-color"}:
            words = re.findall(r"[a-z]+\([^)]*\)|[^\s]+", declared[name])
            return next(filter(None, map(css_colour, words)), "")
    return ""


def _pixels(value: str) -> float:
    """A length in pixels, roughly; infinite if it is not a length."""
    found = _NUMBER.fullmatch(value.strip())
    if not found:
        return float("inf")
    scale = {"em": 16, "rem": 16, "pt": 4 / 3, "%": 6, "vw": 6, "vh": 6, "ex": 8, "ch": 8}
    return float(found[1]) * scale.get(found[2], 1.0)


def _number(value: str) -> float:
    found = _NUMBER.fullmatch(value.strip())
    return float(found[1]) / (100 if found[2] == "%" else 1) if found else float("inf")


def _far(value: str) -> bool:
    return any(_pixels("".join(each)) <= _FAR for each in _NUMBER.findall(value))


def _of_no_size(value: str) -> bool:
    """A `transform` that leaves nothing visible."""
    scaled = re.search(r"scale(?:3d|x|y)?\(\s*([^)]*)\)", value)
    numbers = [float(n) for n, _ in _NUMBER.findall(scaled[1])] if scaled else [1.0]
    return any(abs(n) < FAINT for n in numbers) or _far(value)


def _clipped(value: str) -> bool:
    inset = re.search(r"inset\(\s*([^)]*)\)", value)
    if inset:
        return any(unit == "%" and float(n) >= 50 for n, unit in _NUMBER.findall(inset[1]))
    shape = re.search(r"(?:circle|ellipse)\(\s*0", value)
    rect = re.search(r"rect\(([^)]*)\)", value)
    lengths = [abs(float(n)) for n, _ in _NUMBER.findall(rect[1])] if rect else []
    return bool(shape) or (bool(lengths) and max(lengths) <= _TINY)


_Tests = Mapping[str, Callable[[str], bool]]
"""Property -> whether a value of it hides an element."""

_HIDING: Final[_Tests] = {
    "display": lambda value: value == "none",
    "opacity": lambda value: _number(value) < FAINT,
    "filter": lambda value: bool(re.search(r"opacity\s*[(=]\s*(?:0+\.?0*|\.0+)%?\s*\)", value)),
    "content-visibility": lambda value: value == "hidden",
    "mso-hide": lambda value: value == "all",
    "zoom": lambda value: _number(value) < FAINT,
    "transform": _of_no_size,
    "clip": _clipped,
    "clip-path": _clipped,
    "left": _far, "right": _far, "top": _far, "bottom": _far,
    "margin": _far, "margin-left": _far, "margin-right": _far, "margin-top": _far,
    "text-indent": lambda value: -_FAR <= abs(_pixels(value)) < float("inf"),
}  # fmt: skip
_INHERITED: Final[_Tests] = {
    "visibility": lambda value: value in {"hidden", "collapse"},
    "font-size": lambda value: _pixels(value) < _TINY,
    "pointer-events": lambda value: value == "none",
    "-webkit-text-fill-color": lambda value: value == "transparent",
}
