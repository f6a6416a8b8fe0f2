"""Hugo's shortcodes: those with a plain meaning become HTML, the tags of the others go.

Hugo runs a shortcode's template; Broadsheet has none of them. What stands between a pair of
unknown tags is the author's text and stays. `check` names every tag that goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_CODE = re.compile(
    r"(^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\2[`~]* *$|(`+)(?!`).+?(?<!`)\3(?!`))",
    re.MULTILINE | re.DOTALL,
)
_TAG = re.compile(
    r"\{\{([<%])\s*(/?)\s*([\w./-]+)((?:[^\"`]|\"(?:\\.|[^\"])*\"|`[^`]*`)*?)(/?)\s*[%>]\}\}"
)
_ESCAPED = re.compile(r"\{\{([<%])/\*(.*?)\*/([%>])\}\}", re.DOTALL)
_ARGUMENT = re.compile(r"(?:([\w-]+)\s*=\s*)?(?:\"((?:\\.|[^\"\\])*)\"|`([^`]*)`|([^\s\"`]+))")
_HIGHLIGHT = re.compile(
    r"\{\{[<%]\s*highlight\s+([\w+#-]*).*?[%>]\}\}\n?(.*?)\{\{[<%]\s*/\s*highlight\s*[%>]\}\}",
    re.DOTALL,
)


def expand(markdown: str) -> str:
    """`markdown` with its shortcodes as HTML, as their content, or gone."""
    if "{{" not in markdown:
        return markdown
    markdown = _HIGHLIGHT.sub(r"```\1\n\2\n```", markdown)
    return "".join(_ESCAPED.sub(r"{{\1\2\3}}", part) for part in _parts(markdown))


def unknown(markdown: str) -> list[str]:
    """The names of the shortcodes in `markdown` whose meaning is not known here."""
    if "{{" not in markdown:
        return []
    texts = (part for part in _CODE.split(_HIGHLIGHT.sub("", markdown))[::4])
    names = (tag[3] for text in texts for tag in _TAG.finditer(text) if not tag[2])
    return [name for name in names if name not in _KNOWN]


def _parts(markdown: str) -> Iterator[str]:
    """The text of `markdown` in pieces; what is code stays as it is."""
    end = 0
    for code in _CODE.finditer(markdown):
        yield _TAG.sub(_expand, markdown[end : code.start()])
        yield code[0]
        end = code.end()
    yield _TAG.sub(_expand, markdown[end:])


def _expand(tag: re.Match[str]) -> str:
    make = None if tag[2] else _KNOWN.get(tag[3])
    return make(_arguments(tag[4])) if make else ""


def _arguments(text: str) -> dict[str, str]:
    """Named arguments by name, others by their position: "0", "1", ..."""
    found = _ARGUMENT.findall(text)
    return {
        name or str(i): quoted.replace('\\"', '"') or raw or bare
        for i, (name, quoted, raw, bare) in enumerate(found)
    }


def _figure(given: dict[str, str]) -> str:
    source, alt = given.get("src", ""), given.get("alt", given.get("caption", ""))
    image = f'<img src="{escape(source)}" alt="{escape(alt)}">'
    if "link" in given:
        image = f'<a href="{escape(given["link"])}">{image}</a>'
    words = [f"<strong>{escape(given['title'])}</strong>"] if "title" in given else []
    words += [escape(given["caption"])] if "caption" in given else []
    caption = f"<figcaption>{' '.join(words)}</figcaption>" if words else ""
    return f"<figure>{image}{caption}</figure>"


def _reference(given: dict[str, str]) -> str:
    return given.get("0", given.get("path", ""))


def _video(place: str) -> str:
    return f"[{place}]({place})"


def _youtube(given: dict[str, str]) -> str:
    return _video(f"https://www.youtube.com/watch?v={given.get('0', given.get('id', ''))}")


def _vimeo(given: dict[str, str]) -> str:
    return _video(f"https://vimeo.com/{given.get('0', given.get('id', ''))}")


_KNOWN = {
    "figure": _figure,
    "ref": _reference,
    "relref": _reference,
    "youtube": _youtube,
    "vimeo": _vimeo,
}
