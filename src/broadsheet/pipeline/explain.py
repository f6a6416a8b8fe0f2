"""Why an article is, or is not, in each feed and digest."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from broadsheet.articles import Article
from broadsheet.articles.catalogue import absence, duplicate_problems
from broadsheet.digests.issue import issue_folder
from broadsheet.digests.refusals import admitted
from broadsheet.digests.selection import History
from broadsheet.errors import Problem, UsageError
from broadsheet.feeds.membership import Membership, memberships
from broadsheet.feeds.plan import plan
from broadsheet.pipeline.edition import Content, content_of, to_render
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.reading import read_articles
from broadsheet.text.counting import count


class Explanation(Struct, frozen=True):
    """What a file is to the feeds and digests.

    verdict: in a sentence. article: None if the file is not one, or cannot be read. topics: its
    topics by their names. feeds, digests: None if they do not matter.
    """

    verdict: str
    article: Article | None = None
    topics: tuple[str, ...] = ()
    feeds: tuple[Membership, ...] | None = None
    digests: tuple[Membership, ...] | None = None


def explain(project: Project, path: str) -> Explanation:
    """Return what the file at `path` (as `source_path` returns it) is to the feeds and digests.

    Raises the errors of `read_articles`, and RecordError.
    """
    return project.run(lambda memo: _explain(project, path, memo), writes=False)


def source_path(project: Project, file: Path) -> str:
    """Return the path of `file`, which is relative to here or to the project, in the project.

    Raises UsageError if there is no such file.
    """
    root = project.root.resolve()
    for candidate in (file, project.root / file):
        resolved = candidate.resolve()
        if resolved.is_file() and resolved.is_relative_to(root):
            return resolved.relative_to(root).as_posix()
    what = "there is no such file in this project"
    raise UsageError(Problem(what, "name a file of an articles folder", str(file)))


def _explain(project: Project, path: str, memo: Memo) -> Explanation:
    articles = read_articles(project, memo)
    if path not in articles.found.stamps or path not in dict(articles.found.articles):
        folders = ", ".join(project.settings.articles.folders)
        why = f"it is not a Markdown file in articles.folders ({folders})"
        return Explanation(f"not an article: {why}")
    if path in articles.pages:
        return Explanation(f"not an article: {articles.pages[path]}")
    article = next((each for each in articles.read if each.source == path), None)
    if article is None:
        wrong = (problem.words for problem in articles.problems if problem.path == path)
        return Explanation("cannot be read: " + ", and ".join(wrong))
    content = content_of(project, memo, articles)
    if absent := absence(article, project.now):
        digests = _digests(article, content)
        return Explanation(f"in no feed: {absent}", article, article.topics, digests=digests)
    for taken in duplicate_problems(articles.read, project.now):
        if taken.path == path:
            return Explanation(f"in no feed: {taken.words}", article, article.topics)
    return _explain_public(article, content)


def _explain_public(article: Article, content: Content) -> Explanation:
    catalogue, settings = content.catalogue, content.project.settings
    feeds = plan(catalogue, settings.feeds, settings.publication)
    is_shown = article in to_render(feeds, settings.feeds)
    if wrong := content.render([article]).problems if is_shown else ():
        why = ", and ".join(each.words for each in wrong)
        return Explanation(f"in no feed: {why}", article, article.topics)
    found = memberships(article, catalogue, feeds)
    return Explanation(
        f"in {sum(each.inside for each in found)} of {count(len(found), 'feed')}",
        article,
        tuple(topic.name for topic in catalogue.topics_of(article)),
        found,
        _digests(article, content),
    )


def _digests(article: Article, content: Content) -> tuple[Membership, ...]:
    project = content.project
    return tuple(
        _in_digest(article, content, name, project.history(name))
        for name in project.settings.digests
    )


def _in_digest(article: Article, content: Content, name: str, history: History) -> Membership:
    project, digest = content.project, content.digest(name)
    inside, why = digest.explain(article, project.now, history)
    coming = digest.upcoming(project.now, history)
    made, refused = admitted(coming, digest, history, project.former_histories)
    if refused and any(article.id in issue.ids for issue in coming[len(made) :]):
        inside, why = False, str(refused[0])
    return Membership(issue_folder(name), inside, why)
