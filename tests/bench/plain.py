"""What one would write in an hour on the same libraries: Atom and RSS, full content, all feeds.

It is what Broadsheet is compared with, so it does nothing twice that it can easily do once: each
article is read and rendered once. It sanitises nothing, resolves no link and remembers nothing.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import frontmatter
import markdown
from feedgen.feed import FeedGenerator

SITE = "https://example.org/"


def main(project: Path) -> None:
    """Reads content/ of `project` and writes plain/."""
    reader = markdown.Markdown(extensions=["extra", "sane_lists"])
    posts: list[tuple[datetime, Any, str]] = []
    for path in project.glob("content/**/*.md"):
        post = frontmatter.load(str(path))
        if post.get("draft"):
            continue
        date = post["date"]
        date = date if isinstance(date, datetime) else datetime.fromisoformat(date)
        posts.append((date, post, f"{SITE}posts/{path.stem}/"))
    posts.sort(key=lambda each: each[0], reverse=True)
    groups: defaultdict[str, list[tuple[datetime, Any, str]]] = defaultdict(list)
    for each in posts:
        for name in ("", *(f"topics/{topic}/" for topic in each[1].get("main_topics", ()))):
            groups[name].append(each)
        for tag in each[1].get("tags", ()):
            groups[f"tags/{tag}/"].append(each)
    rendered: dict[str, str] = {}
    for name, members in groups.items():
        feed = FeedGenerator()
        feed.id(f"{SITE}{name}")
        feed.title(f"Bench {name}")
        feed.description("Bench")
        feed.link(href=f"{SITE}{name}", rel="alternate")
        for date, post, url in members[:20]:
            if url not in rendered:
                rendered[url] = reader.reset().convert(post.content)
            entry = feed.add_entry(order="append")
            entry.id(url)
            entry.title(post["title"])
            entry.link(href=url)
            entry.published(date)
            entry.updated(date)
            entry.summary(post["summary"])
            entry.content(rendered[url], type="html")
        folder = project / "plain" / name
        folder.mkdir(parents=True, exist_ok=True)
        feed.atom_file(str(folder / "atom.xml"))
        feed.rss_file(str(folder / "rss.xml"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
