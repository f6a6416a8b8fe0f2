"""From front matter to `Article`: fields, dates, permalinks, visibility, catalogue, link index."""

from broadsheet.articles.article import Article, Cascade, NotAnArticle, Source

__all__ = ["Article", "Cascade", "NotAnArticle", "Source"]
