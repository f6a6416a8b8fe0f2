"""The articles that the benchmarks publish: many, made from one of `seeds/` by a fixed rule."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

_SEED: Final = Path(__file__).parents[2] / "seeds" / "2025-06-19-ai-talent-war.md"
_NEWEST: Final = datetime(2025, 6, 29, 12, 0, tzinfo=timezone(timedelta(hours=8)))
_SPAN: Final = timedelta(hours=50_000)
"""From the oldest article to the newest: 69 months."""

DEFAULT: Final = 'by = ["topics", "tags"]\n'
"""The default feeds (Atom, RSS and JSON; archives by month), and those of tags too."""

RSS: Final = DEFAULT + 'formats = ["rss"]\narchive = "none"\n'

_CONFIG: Final = """\
[publication]
title = "Bench"
url = "https://example.org/"
language = "zh-CN"
timezone = "Asia/Shanghai"

[articles]
folders = ["content"]
permalink = "/posts/{slug}/"
markdown = "%s"

[feeds]
%s
[digests.weekly]
title = "Weekly"
schedule = "0 8 * * MON"
"""


def write(folder: Path, count: int, feeds: str = RSS, markdown: str = "commonmark") -> None:
    """Write a project with `count` articles of 6 kB: 20 topics, 200 tags, 2 % drafts.

    feeds: the table [feeds] of the config. Each article has its own text: the paragraphs of the
    seed in another order. The field `archives`, which Broadsheet ignores, is a taxonomy for Hugo.
    """
    posts = folder / "content" / "posts"
    posts.mkdir(parents=True)
    chance = random.Random(1)
    for number in range(count):
        (posts / f"article-{number:07}.md").write_text(text(number, count, chance), "utf-8")
    (folder / "broadsheet.toml").write_text(_CONFIG % (markdown, feeds), "utf-8")


def text(number: int, count: int, chance: random.Random) -> str:
    """Return the source of the article `number` of `count`, the newest first."""
    paragraphs = _PARAGRAPHS[1:-1]
    topics = chance.sample(range(20), chance.randint(1, 3))
    tags = chance.sample(range(200), chance.randint(2, 9))
    chance.shuffle(paragraphs)
    body = [f"第 {number} 篇。" + _PARAGRAPHS[0].strip(), *paragraphs, _PARAGRAPHS[-1]]
    date = _NEWEST - _SPAN * (number / count)
    return (
        "---\n"
        f"title: 第 {number} 篇：巨头逐鹿与人才争夺\n"
        f"date: {date.isoformat(timespec='seconds')}\n"
        f"draft: {'true' if number % 50 == 49 else 'false'}\n"
        f"summary: 第 {number} 篇的摘要，写给读者看，也写给编辑看。\n"
        f"archives: ['{date:%Y-%m}']\n"
        f"tags:\n{''.join(f'  - 标签{tag}{chr(10)}' for tag in tags)}"
        f"main_topics:\n{''.join(f'  - 主题{topic}{chr(10)}' for topic in topics)}"
        "---\n" + "\n\n".join(body)
    )


_PARAGRAPHS: Final = _SEED.read_text("utf-8").split("---\n", 2)[2].split("\n\n")
