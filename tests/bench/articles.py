"""The articles that the benchmarks publish: many, made from the given one, by a fixed rule."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

GIVEN = Path(__file__).parents[2] / "seeds" / "2025-06-19-ai-talent-war.md"
_NEWEST = datetime(2025, 6, 29, 12, 0, tzinfo=timezone(timedelta(hours=8)))
_CONFIG = """\
[publication]
title = "Bench"
url = "https://example.org/"
language = "zh-CN"
timezone = "Asia/Shanghai"

[articles]
folders = ["content"]
permalink = "/posts/{slug}/"

[feeds]
formats = [FORMATS]
entries = 20
by = ["topics", "tags"]
archive = "none"

[digests.weekly]
title = "Weekly"
schedule = "0 8 * * MON"
"""


def write(folder: Path, count: int, formats: tuple[str, ...] = ("rss",)) -> None:
    """`count` articles and a config in `folder`: 20 topics, 200 tags, 2 % drafts, an hour apart.

    Each article has a text of its own: its paragraphs are the given ones, in another order.
    """
    chance = random.Random(1)
    body = GIVEN.read_text(encoding="utf-8").split("---\n", 2)[2]
    paragraphs = body.split("\n\n")
    posts = folder / "content" / "posts"
    posts.mkdir(parents=True)
    for number in range(count):
        topics = chance.sample(range(20), chance.randint(1, 3))
        tags = chance.sample(range(200), chance.randint(2, 9))
        date = _NEWEST - timedelta(hours=number)
        inner = paragraphs[1:-1]
        chance.shuffle(inner)
        text = "\n\n".join([f"第 {number} 篇。" + paragraphs[0].strip(), *inner, paragraphs[-1]])
        (posts / f"article-{number:06}.md").write_text(
            "---\n"
            f"title: 第 {number} 篇：巨头逐鹿与人才争夺\n"
            f"date: {date.isoformat()}\n"
            f"draft: {'true' if number % 50 == 49 else 'false'}\n"
            f"summary: 第 {number} 篇的摘要，写给读者看，也写给编辑看。\n"
            f"tags:\n{''.join(f'  - 标签{tag}{chr(10)}' for tag in tags)}"
            f"main_topics:\n{''.join(f'  - 主题{topic}{chr(10)}' for topic in topics)}"
            f"---\n{text}",
            encoding="utf-8",
        )
    listed = ", ".join(f'"{each}"' for each in formats)
    (folder / "broadsheet.toml").write_text(_CONFIG.replace("FORMATS", listed), encoding="utf-8")
