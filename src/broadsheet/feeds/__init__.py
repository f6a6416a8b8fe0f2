"""Which feeds there are, and their documents: Atom, RSS, JSON Feed, OPML and a page."""

from typing import Final

INDEX: Final = "index.html"
"""The page of all feeds, and in a digest's folder that of its issues."""

OPML: Final = "feeds.opml"
STYLESHEET: Final = "feed.css"
