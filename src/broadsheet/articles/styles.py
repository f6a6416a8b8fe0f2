"""How each site generator makes an address of file names, slugs and titles.

Sources: the generators' own code, and what they make of the sites in tests/conformance. Hugo:
paths.Sanitize; it treats paths and tokens of patterns differently. Jekyll: utils.rb (slugify).
Zola: the `slug` crate. Eleventy: TemplateFileSlug.js. Astro: github-slugger. Docusaurus:
blogUtils.ts (parseBlogFileName). Pelican: utils.py (slugify). Nikola: utils.py. Both use the tables
of Unidecode, which text-unidecode has too; Zola uses those of the `deunicode` crate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct
from text_unidecode import unidecode

_PLAIN_NAME = re.compile(r"[A-Za-z0-9./_~@-]*")
_KEPT_BY_HUGO = frozenset("./_#~@+-")
# Letters of words that Unidecode spells differently since the tables of text-unidecode.
# fmt: off
_BY_UNIDECODE = str.maketrans({
    "し": "shi", "ち": "chi", "つ": "tsu", "っ": "tsu", "シ": "shi", "チ": "chi", "ツ": "tsu",
    "ッ": "tsu", "ー": "-", "・": "*", "Є": "Ie", "ъ": "'", "Ъ": "'",
    "¼": " 1/4", "½": " 1/2", "¾": " 3/4",
})
# fmt: on
# Of the 6,763 Chinese characters of GB 2312, all that deunicode spells differently from Unidecode.
_BY_DEUNICODE = str.maketrans({"价": "Jia ", "旅": "Lv ", "么": "Me ", "什": "Shen ", "术": "Shu "})
_BY_HEXO = str.maketrans({
    "ß": "s", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l",
    "Đ": "D", "đ": "d", "Ħ": "H", "ħ": "h", "ı": "i",
    "ẞ": "S", "Ŧ": "T", "ŧ": "t",
})  # fmt: skip
_BLOG_FILE = re.compile(r"(?P<folder>.*?)(?P<date>\d{4}[-/]\d{1,2}[-/]\d{1,2})[-/]?(?P<text>.*)")


Closing = Literal["always", "never", "unless it names a file"]


class Style(Struct, frozen=True):
    """The rules of one generator.

    path: a segment of {path}, {section} and {filename}; the second argument is
    `articles.lowercase`. slug: the front matter's, in {path}; given: in {slug}.
    stem: a file name in {path}, before that, not the folder of `index.md`. title: a title.
    name: a file name or folder that a token stands for.
    category: a category. no_category: {categories} of an article without one.
    dated: whether {path} keeps a date at the front of a file name.
    closed: when an address from the front matter gets a slash at its end.
    space: what a space becomes that is left in a segment.
    slugged: whether the front matter's `slug` takes the place of the file name in {path}.
    alone: whether it takes that of the folders too.
    readme: whether `README.md` is the page of its folder, as `index.md` is.
    bundles: whether `index.md` has the name of its folder.
    index: what follows {path} at the end of the pattern for such a page, if not the same.
    place: what {path} is, of a path without ending and before it is spelled.
    lower_sections: whether {section} and {sections} are in lower case, whatever the setting.
    """

    path: Callable[[str, bool], str] = lambda text, _lowercase: text
    stem: Callable[[str], str] = str
    slug: Callable[[str], str] = str
    given: Callable[[str], str] = str
    name: Callable[[str], str] = str
    title: Callable[[str], str] = str
    category: Callable[[str], str] = str.lower
    no_category: str = ""
    place: Callable[[str], str] = str
    dated: bool = True
    closed: Closing = "never"
    space: str = "-"
    slugged: bool = True
    alone: bool = False
    readme: bool = False
    bundles: bool = True
    index: str = ""
    lower_sections: bool = False


def _hugo_path(text: str, *, lowercase: bool) -> str:
    """Hugo's form of folders and file name, or of the slug, in an address that follows the folders.

    lowercase: whether the address is, as by default; each space of a file's name is then a hyphen
    of its own.
    """
    return _sanitised(text.replace(" ", "-") if lowercase else text)


def _hugo_name(text: str) -> str:
    """Hugo's form of a slug, file name or folder that a token of a pattern stands for."""
    return _sanitised(text.replace("+", " "))


def _hugo_title(text: str) -> str:
    """Hugo's form of a title that a token stands for: a slash in it divides nothing."""
    return _hugo_name(text.replace("/", "-"))


def _sanitised(text: str) -> str:
    if _PLAIN_NAME.fullmatch(text):
        return text
    kept: list[str] = []
    gap = False
    for char in text:
        if _is_kept(char):
            kept += ["-", char] if gap and char != "-" else [char]
            gap = False
        elif char.isspace() and kept and kept[-1] != "-":
            gap = True
    return "".join(kept)


def _is_kept(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind[0] in "LM" or kind == "Nd" or char in _KEPT_BY_HUGO


def _jekyll(text: str) -> str:
    """Return a name as Jekyll's `pretty` slugs have it: some punctuation stays."""
    return _dashed(text, lambda char: char in "._~!$&'()+,;=@")


def _slugified(text: str) -> str:
    return _dashed(text, lambda _: False).lower()


def _dashed(text: str, is_kept: Callable[[str], bool]) -> str:
    """Return `text` with one hyphen for each run of characters that are not kept."""
    kept = (c if _is_letter_or_digit(c) or is_kept(c) else "-" for c in text)
    return re.sub(r"-{2,}", "-", "".join(kept)).strip("-")


def _is_letter_or_digit(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind[0] in "LM" or kind == "Nd"


def _ascii(text: str) -> str:
    """Return `text` without accents; letters that are not Latin stay."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("æ", "ae"))
    return "".join(char for char in plain if not unicodedata.combining(char))


def _zola(text: str) -> str:
    """Return a slug in Latin letters. Each character is spelled by itself."""
    return re.sub(r"[^a-z0-9]+", "-", unidecode(text.translate(_BY_DEUNICODE)).lower()).strip("-")


def _pelican(text: str) -> str:
    """Return a slug in Latin letters, by Pelican's default SLUG_REGEX_SUBSTITUTIONS."""
    return _hyphened(re.sub(r"[^\w\s-]", "", _unidecoded(unicodedata.normalize("NFKC", text))))


def _nikola(text: str) -> str:
    """Return a slug in Latin letters, as Nikola makes it of the name of a file."""
    return _hyphened(re.sub(r"[^+\w\s-]", "", _unidecoded(text)))


def _unidecoded(text: str) -> str:
    """Return `text` as Unidecode 1.4 spells it in ASCII."""
    return str(unidecode(text.translate(_BY_UNIDECODE)))


def _hyphened(text: str) -> str:
    return re.sub(r"[-\s]+", "-", text.strip().lower())


def _mkdocs(text: str) -> str:
    """Return a slug as pymdownx.slugs.slugify(case="lower") makes it."""
    text = unicodedata.normalize("NFC", text).lower().strip()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _github(text: str) -> str:
    """Return a slug as github-slugger makes it: hyphens for spaces, no punctuation."""
    kept = (c for c in text.strip().lower() if unicodedata.category(c)[0] in "LMN" or c in "-_ ")
    return "".join(kept).replace(" ", "-")


def _hexo(text: str) -> str:
    """Return a slug as slugize of hexo-util makes it; only Latin letters lose their accents."""
    plain = "".join(map(_without_accent, text.translate(_BY_HEXO)))
    return re.sub(r"[\s~`!@#$%^&*()\-_+=\[\]{}|\\;:\"'<>,.?/]+", "-", plain).strip("-")


def _without_accent(char: str) -> str:
    """Return a letter as the Latin one in it; one of another script stays."""
    base = unicodedata.normalize("NFKD", char)[0]
    return base if char.isalpha() and base.isascii() and base.isalpha() else char


def _quartz(text: str) -> str:
    """Return a segment as Quartz makes it (util/path.ts, sluggify)."""
    text = re.sub(r"\s", "-", text).replace("&", "-and-").replace("%", "-percent")
    return text.replace("?", "").replace("#", "")


def _eleventy(text: str) -> str:
    """Return a slug as @sindresorhus/slugify makes it."""
    text = re.sub(r"([a-z\d]{2,})([A-Z])", r"\1-\2", _ascii(text))
    return re.sub(r"[^a-z\d]+", "-", text.lower().replace("&", " and ")).strip("-")


def _by_segment(slugify: Callable[[str], str], path: str) -> str:
    return "/".join(map(slugify, path.split("/")))


def _docusaurus(path: str) -> str:
    """Return the address of the blog file at `path`, which has no ending: dates become folders."""
    if found := _BLOG_FILE.fullmatch(path):
        date = found["date"].replace("-", "/")
        return f"{date}/{found['folder']}{found['text']}".rstrip("/")
    return path


STYLES: Final = MappingProxyType(
    {
        "plain": Style(),
        "hugo": Style(
            path=lambda text, lowercase: _hugo_path(text, lowercase=lowercase),
            slug=lambda text: _hugo_path(text, lowercase=False),
            given=_hugo_name,
            name=_hugo_name,
            title=_hugo_title,
            closed="unless it names a file",
            lower_sections=True,
        ),
        "zola": Style(
            path=lambda text, lowercase: _by_segment(_zola, text) if lowercase else text,
            dated=False,
            closed="always",
        ),
        "jekyll": Style(given=_jekyll, name=_jekyll, title=_slugified, dated=False, space=" "),
        "eleventy": Style(title=_eleventy, slugged=False, space=" "),
        "astro": Style(path=lambda text, _lowercase: _by_segment(_github, text)),
        "docusaurus": Style(place=_docusaurus, alone=True, space=" "),
        "vuepress": Style(slugged=False, readme=True, space=" ", index="/"),
        "quartz": Style(path=lambda text, _lowercase: _by_segment(_quartz, text), slugged=False),
        "quarto": Style(slugged=False, space=" ", index="/"),
        "hexo": Style(
            given=lambda _slug: "",
            title=lambda title: _hexo(title).lower(),
            category=_hexo,
            no_category="uncategorized",
            slugged=False,
            bundles=False,
            space=" ",
        ),
        "pelican": Style(name=_pelican, title=_pelican, category=_pelican),
        "mkdocs": Style(
            title=_mkdocs,
            category=_mkdocs,
            slugged=False,
            readme=True,
            space=" ",
            index="/index.html",
        ),
        "nikola": Style(stem=_nikola, name=_nikola, title=_nikola, space=" ", index="/"),
    }
)
"""By the value of `articles.addresses`."""
