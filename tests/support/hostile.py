"""Texts that are broken, deeply nested or odd, and where they can be put."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from newsroom import Newsroom

HEAD = "---\ntitle: Bad\ndate: 2025-06-27\nsummary: In short.\n---\n"


@dataclass(frozen=True)
class Bad:
    """Files beside the good article. named: it is left out, and the message names it."""

    name: str
    data: bytes | Callable[[Newsroom], object]
    named: bool = False


def text(source: str) -> bytes:
    return source.encode("utf-8", "surrogatepass")


def matter(*lines: str, body: str = "Text.\n") -> bytes:
    """Return an article with these lines of front matter."""
    return text("\n".join(["---", "title: Bad", "date: 2025-06-27", *lines, "---", "", body]))


def bomb() -> bytes:
    """Return a billion laughs: ten aliases of ten aliases of ..."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for level in range(1, 10):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    return matter(*lines, "tags: *a9")


BROKEN = [
    Bad("no UTF-8", HEAD.encode() + b"caf\xe9\n", named=True),
    Bad("no UTF-8 in front matter", b"---\ntitle: caf\xe9\ndate: 2025-06-27\n---\n", named=True),
    Bad("half a character", HEAD.encode() + "文".encode()[:2], named=True),
    Bad("UTF-16", (HEAD + "Text.\n").encode("utf-16"), named=True),
    Bad("UTF-32", (HEAD + "Text.\n").encode("utf-32"), named=True),
    Bad("surrogates", HEAD.encode() + b"\xed\xa0\x80\xed\xb0\x80\n", named=True),
    Bad("overlong", HEAD.encode() + b"\xc0\xaf\n", named=True),
    Bad("50 MB", HEAD.encode() + b"word " * 10_000_000, named=True),
    Bad("50 MB of nothing", bytes(50_000_000), named=True),
    Bad("a summary of 1 MB", matter("summary: " + "long " * 200_000), named=True),
    Bad("4 MB of fields", matter(*(f"k{n}: v" for n in range(400_000))), named=True),
    Bad("4 MB of tags", matter(f"tags: [{'a, ' * 1_300_000}]"), named=True),
    Bad("4 MB of a list in TOML", text(f"+++\ntags = [{'1, ' * 1_300_000}]\n+++\n"), named=True),
    Bad("no end", b"---\ntitle: Bad\ndate: 2025-06-27\n\nText.\n", named=True),
    Bad("no end of TOML", b'+++\ntitle = "Bad"\n\nText.\n', named=True),
    Bad("no end of JSON", b'{"title": "Bad",\n\nText.\n', named=True),
    Bad("no title", b"---\ndate: 2025-06-27\n---\nText.\n", named=True),
    Bad(
        "no date that is one",
        matter("pubDate: soon").replace(b"date: 2025-06-27\n", b""),
        named=True,
    ),
    Bad("year 0", matter().replace(b"2025", b"0000"), named=True),
    Bad("year 99999", matter().replace(b"2025", b"99999"), named=True),
    Bad("title is a list", b"---\ntitle: [a, b]\ndate: 2025-06-27\n---\nText.\n", named=True),
    Bad("date is a mapping", b"---\ntitle: Bad\ndate: {a: b}\n---\nText.\n", named=True),
    Bad("an object of Python", matter("tags: !!python/object/apply:os.system [ls]"), named=True),
    Bad("a list said to be a mapping", matter("tags: !!map [a]"), named=True),
    Bad("a list said to be a text", matter("tags: !!str [a]"), named=True),
    Bad("aliases of aliases", bomb(), named=True),
    Bad("an alias of itself", matter("tags: &a [*a]"), named=True),
    Bad("deep YAML", matter("tags: " + "[" * 5_000 + "]" * 5_000), named=True),
    Bad("deep YAML without end", matter("tags: " + "[" * 100_000), named=True),
    Bad("deep YAML by indents", matter(*(" " * n + "a:" for n in range(2_000))), named=True),
    Bad("deep TOML", text("+++\na = " + "[" * 5_000 + "]" * 5_000 + "\n+++\n"), named=True),
    Bad("deep JSON", text('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}\n"), named=True),
    Bad(
        "a huge number in JSON",
        text('{"title": "Bad", "date": 1' + "0" * 10_000 + "}\n"),
        named=True,
    ),
    Bad(
        "a huge number in TOML",
        text('+++\ntitle = "Bad"\ndate = 1' + "0" * 10_000 + "\n+++\n"),
        named=True,
    ),
    Bad("twice the same key in TOML", b'+++\ntitle = "a"\ntitle = "b"\n+++\n', named=True),
]


ODD = [
    Bad("UTF-16 without a mark", (HEAD + "Text.\n").encode("utf-16-le")),
    Bad("front matter is a list", b"---\n- a\n- b\n---\nText.\n"),
    Bad("front matter is a text", b"---\njust some text\n---\nText.\n"),
    Bad("a BOM", b"\xef\xbb\xbf" + HEAD.encode() + b"Text.\n"),
    Bad("CRLF", (HEAD + "Text.\n\nMore.\n").replace("\n", "\r\n").encode()),
    Bad("CR", (HEAD + "Text.\n\nMore.\n").replace("\n", "\r").encode()),
    Bad("NUL", HEAD.encode() + b"a\0b\n"),
    Bad("every control character", HEAD.encode() + bytes(range(1, 32)) + b"\x7f\n"),
    Bad("NUL in a title", b'---\ntitle: "a\\0b\\x1b"\ndate: 2025-06-27\n---\nText.\n'),
    Bad("a surrogate in YAML", matter('summary: "\\ud83d"', 'tags: ["\\udc00"]')),
    Bad(
        "a surrogate in JSON",
        text('{"title": "\\ud83d", "date": "2025-06-27", "tags": ["\\udfff"]}\nA.'),
    ),
    Bad("not a character", text(HEAD + "\ufffe\uffff\U0010ffff\ufdd0\n")),
    Bad("no file content", b""),
    Bad("only a fence", b"---"),
    Bad("two fences", b"---\n---"),
    Bad("white space", b" \n\t\n" * 10),
    Bad("4 MB in a line", text(HEAD + "word " * 800_000)),
    Bad("4 MB of a letter", text(HEAD + "a" * 4_000_000)),
    Bad("a title of 100 kB", matter().replace(b"title: Bad", b"title: " + b"long " * 20_000)),
    Bad("a summary of 200 kB", matter("summary: " + "long " * 40_000)),
    Bad("500 tags", matter(f"tags: [{', '.join(f't{n}' for n in range(500))}]")),
    Bad("1,000 authors", matter(f"authors: [{', '.join(f'a{n}' for n in range(1_000))}]")),
    Bad("]]>", matter("summary: a ]]> b", "tags: [']]>']", body="<!-- a ]]> b --> ]]>\n")),
    Bad("a document type", matter("summary: '<!DOCTYPE a [<!ENTITY b \"c\">]>&b;'", body="&b;\n")),
    Bad("no letters", matter("summary: '...'", "slug: '...'", "tags: ['...']", body="...\n")),
    Bad("right to left", matter("summary: \u202egnol\u202c", body="\u202e\u2066\u2067\n")),
    Bad("1,000 marks on a letter", matter("summary: a" + "\u0301" * 1_000)),
    Bad("null everywhere", matter("summary:", "tags:", "author:", "image:", "slug:", "id:")),
    Bad("lists everywhere", matter("image: []", "tags: [[]]", "authors: [{}]")),
    Bad("year 1", matter().replace(b"2025-06-27", b"0001-01-01")),
    Bad("year 9999", matter().replace(b"2025-06-27", b"9999-12-31T23:59:59-12:00")),
]  # fmt: skip


DEEP = {
    "quotes": ">" * 5_000 + " a",
    "quotes in lines": "\n".join(">" * n + " a" for n in range(1_000)),
    "lists": "\n".join("  " * n + "- a" for n in range(1_000)),
    "lists in a line": "- " * 5_000 + "a",
    "numbers": "1. " * 5_000 + "a",
    "brackets": "[" * 50_000,
    "closed brackets": "[" * 5_000 + "a" + "]" * 5_000,
    "images": "![" * 10_000,
    "links": "[a](" * 10_000,
    "link ends": "](b)" * 10_000,
    "labels": "[a][" * 10_000,
    "definitions": "[a]: b\n" * 20_000,
    "stars": "*a " * 20_000,
    "star runs": "*" * 50_000,
    "stars and underscores": "*_" * 10_000 + "a" + "_*" * 10_000,
    "tildes": "~~a" * 10_000,
    "ticks": "`" * 50_000 + "a",
    "growing ticks": " ".join("`" * n for n in range(500)),
    "fences": "```\n" * 20_001,
    "nested fences": "".join("`" * n + "\n" for n in range(3, 500)),
    "tags": "<div>" * 10_000,
    "inline tags": "<b>" * 10_000,
    "open tags": "<a " * 20_000,
    "tags in tags": "<pre" * 20_000,
    "attributes": "<a " + "b='c' " * 20_000 + ">",
    "quotes in tags": "<a b=\"'" * 10_000,
    "comments": "<!-- " * 20_000,
    "declarations": "<![CDATA[" * 10_000,
    "questions": "<?a " * 20_000,
    "entities": "&amp" * 50_000,
    "numbers of characters": "&#" * 50_000,
    "footnotes": "[^a]" * 20_000 + "\n\n[^a]: b\n",
    "footnotes in footnotes": "".join(f"[^{n}]: a[^{n + 1}]\n\n" for n in range(1_000)),
    "definition lists": "a\n: b\n" * 5_000,
    "abbreviations": "".join(f"*[a{n}]: b\n" for n in range(500)) + "a1 a2 " * 2_000,
    "a table of columns": "|" * 5_000 + "\n" + "|-" * 5_000 + "\n" + "|" * 5_000,
    "a table of rows": "a|b\n-|-\n" + "a|b\n" * 10_000,
    "underlines": "a\n=\n" * 10_000,
    "backslashes": "\\" * 100_000,
    "addresses": "http://" * 10_000,
    "mail addresses": "a@" * 20_000,
    "mail dots": "a." * 20_000 + "@",
    "parentheses": "http://a.b/" + "(" * 20_000,
    "spaces": "a" + " " * 100_000 + "b",
    "blank lines": "a" + "\n" * 200_000 + "b",
    "tabs": "\t" * 50_000 + "a",
    "attribute lists": "{: " * 20_000,
    "attribute lists on words": "a{: b}" * 5_000,
    "shortcodes": "{{< a " * 10_000,
    "shortcodes with text": '{{< a "' * 10_000,
    "liquid": "{% raw %}" * 10_000,
    "liquid ends": "{% endraw %}" * 10_000,
    "calls": "{{ a(" * 10_000,
    "a character of many digits": "<a href='&#" + "1" * 5_000 + ";'>x</a> &#" + "1" * 5_000,
    "frames": "<iframe src='a'>" * 5_000,
    "selects": "<select><option>" * 5_000,
    "tables in tables": "<table><tr><td>" * 2_000,
    "svg": "<svg><math>" * 5_000,
    "templates": "<template>" * 5_000,
    "formatting": "<b><i><u><s>" * 2_000 + "<p>" * 1_000,
    "more": "<!--more-->\n\n" * 5_000,
    "task lists": "- [ ] a\n" * 5_000,
    "hash marks": "#" * 50_000 + " a",
    "rules": "- - - " * 10_000,
    "private use": "\ue000" * 10_000 + "\u0002klzzwxh:0001\u0003" * 1_000,
}


NAMES = [
    *(f"slug: {slug}" for slug in (
        "../../x", "'..'", "/etc/passwd", "'..\\..\\x'", "'%2e%2e/%2e%2e/x'", "'a/../../../b'",
        "con", "NUL.md", "'.'", "'~'", "'a:b'", '"a\\u0000b"', '"a\\nb"', "'?#'", "x" * 300,
        "'．．/x'", "'-rf'", "'$(id)'", "'<script>'",
    )),
    "url: ../../x",
    "url: //evil.example/x",
    "url: javascript:alert(1)",
    "url: 'http://[::1'",
    "permalink: /{{ page.x }}/../..",
    "id: ../../x",
    "id: 'tag:example.org,2025:<b>'",
    "image: ../../../../etc/passwd",
    "image: /etc/passwd",
    "image: 'javascript:alert(1)'",
    "image: '\\\\evil\\share\\a.png'",
    "image: 'file:///etc/passwd'",
    "aliases: [../../x, 'javascript:x', 'http://[::1', '//[x']",
    "author: {name: a, url: '//[::1'}",
    "author: {name: a, url: 'http://[::1'}",
    "lang: '../../x'",
    "lang: 'en\"><script>'",
    *(f"main_topics: [{topic}]" for topic in (
        "'..'", "'.'", "con", "CON", "'aux.txt'", "'../../x'", "'a/b'", "'a\\b'", "'***'", "'   '",
        "'\u200b'", '"a\\u0000b"', '"\\ud800"', "t" * 300, "文" * 300, "'<script>x</script>'",
        "'%2e%2e'", "'.hidden'", "'a:b|c?d*e'", "'index.html'", "'atom.xml'", "'.broadsheet.json'",
        "'🖥️'", "'\u0301'", "'\u202e'",
    )),
]  # fmt: skip


PLACES = [Bad(f"name {line[:40]}", matter(line, "tags: [a, ../b]")) for line in NAMES]
