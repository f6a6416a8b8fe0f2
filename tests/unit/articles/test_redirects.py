"""Which paths the host of a site redirects, by the files in which it reads that."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.articles.redirects import redirected_paths

BASE = "https://example.org/blog/"


def lines(*rules: str) -> dict[str, str]:
    return {"static/_redirects": "\n".join(rules)}


def toml(source: str, status: int = 301) -> dict[str, str]:
    rule = f'[[redirects]]\nfrom = "{source}"\nto = "/new"\nstatus = {status}\n'
    return {"netlify.toml": f'[build]\npublish = "out"\n{rule}'}


def vercel(source: str, key: str = "redirects") -> dict[str, str]:
    return {"vercel.json": json.dumps({key: [{"source": source, "destination": "/new"}]})}


@pytest.mark.parametrize(
    ("files", "path"),
    [
        (lines("/old /new"), "old"),
        (lines("/old /new"), "old/"),
        (lines("/old/ /new 301!"), "old"),
        (lines("", "# a comment", "  /a\t/b   302  Country=de", "/old /new # why"), "old"),
        (lines("/a /b", "/store id=:id /blog/:id 301"), "store"),
        (lines("/assets/* https://cdn.example/:splat 200"), "assets/a/b.png"),
        (lines("/news/* /blog/:splat"), "news"),
        (lines("/news/:year/:month/:title /blog/:title"), "news/2025/06/a-b"),
        (lines("/caf%C3%A9 /new"), "café"),
        (lines("https://example.org/blog/old /new"), "old"),
        (toml("/old/"), "old"),
        (toml("/img/*", 200), "img/a.png"),
        (vercel("/old"), "old"),
        (vercel("/docs/:path*", "rewrites"), "docs/a/b"),
        (vercel("/docs/:path*"), "docs"),
        (vercel("/:lang/about"), "de/about"),
        (vercel("/post/:id(\\d{1,})"), "post/12"),
        (vercel("/feed/((?!x/).*)"), "feed/a"),
        ({"netlify.toml": "= no TOML", **lines("/old /new")}, "old"),
        ({"vercel.json": '{"redirects": [1, null]}', **lines("/old /new")}, "old"),
    ],
)
def test_a_redirected_path_is_known(files: dict[str, str], path: str) -> None:
    """In each file and each form, with a slash at the end or none."""
    assert redirected_paths(files, BASE)(path)


@pytest.mark.parametrize(
    ("files", "path"),
    [
        (lines("/old /new"), "older"),
        (lines("/old /new"), "old/er"),
        (lines("/old"), "old"),
        (lines("# /old /new"), "old"),
        (lines("/old /404.html 404", "/gone / 410!"), "old"),
        (lines("/* /index.html 200", "/:lang/* /404"), "old"),
        (lines("/a.b /new"), "a-b"),
        (lines("/news/:title /new"), "news/2025/a"),
        (lines("https://other.example/old /new"), "old"),
        (toml("/old", 404), "old"),
        (vercel("/old", "headers"), "old"),
        (vercel("/(.*)"), "old"),
        ({"vercel.json": "[" * 100_000}, "old"),
        ({}, "old"),
        ({}, ""),
    ],
)
def test_another_path_is_not(files: dict[str, str], path: str) -> None:
    """Nor is one that a rule for every path matches, or one that leads to an error."""
    assert not redirected_paths(files, BASE)(path)


@given(
    st.lists(st.from_regex(r"[a-z0-9][a-z0-9.~é-]{0,8}", fullmatch=True), min_size=1, max_size=4)
)
def test_the_three_files_say_the_same(names: list[str]) -> None:
    """A path without patterns is redirected by a rule for it, in whichever file that is."""
    path = "/".join(names)
    for files in (lines(f"/{path} /new"), toml(f"/{path}"), vercel(f"/{path}")):
        known = redirected_paths(files, BASE)
        assert known(path)
        assert not known(f"{path}x")
