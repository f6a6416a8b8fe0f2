"""broadsheet init: write a starter broadsheet.toml"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from broadsheet.articles.catalogue import Catalogue
from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options, say
from broadsheet.digests.notes import note_path, starter_note
from broadsheet.digests.templates import starters
from broadsheet.errors import Problem, UsageError
from broadsheet.importers.findings import language_tag
from broadsheet.model import reference
from broadsheet.model.publication import BaseUrl
from broadsheet.pipeline.init import NewProject, new_project, with_article
from broadsheet.pipeline.project import open_project
from broadsheet.storage import config, survey, writing
from broadsheet.storage.detection import URL
from broadsheet.text.counting import count

POSITION = 10  # in `broadsheet --help`
PAGE = "tutorial/"
EXAMPLES = (
    "broadsheet init  # in the folder of a site",
    "broadsheet init --url https://example.org/ --digest weekly  # in a folder of articles",
    "broadsheet init --notes  # an editor's note for each next issue",
    "broadsheet init --templates  # mail templates to change",
)
_DOMAIN = re.compile(r"(?:[\w-]+\.)+[^\W\d]{2,}(?:/|\Z)")
_SHOWN = 5  # articles whose address is another
_SCHEDULES = {"daily": "0 8 * * *", "weekly": "0 8 * * MON", "monthly": "0 8 1 * *"}
_AND_PREVIEW = ", then broadsheet preview --open"


@click.command(cls=DocumentedCommand)
@click.option("--templates", is_flag=True, help="Write starters for mail templates of your own.")
@click.option("--notes", is_flag=True, help="Write an editor's note for each digest's next issue.")
@click.option("--url", default="", help="The URL of the site, if its config does not say it.")
@click.option("--title", default="", help="The title of the publication.")
@click.option("--language", default="", help="The language of the articles, such as zh-CN.")
@click.option("--digest", type=click.Choice([*_SCHEDULES]), help="Add an email digest.")
@common_options
def command(
    templates: bool, notes: bool, url: str, title: str, language: str, digest: str | None
) -> None:
    """Write a starter broadsheet.toml, with what the site's own config says."""
    if templates or notes:
        (_write_templates if templates else _write_notes)()
        return
    path = options().config_path
    if path.exists():
        raise UsageError(
            Problem("there is a config already", "edit it, or delete it first", path.name)
        )
    found = new_project(path.parent)
    given = _given_values(url or _asked_url(found), title, language)
    project = _with_options(found, given, digest)
    offered = {"articles.rendered": f"{project.built}/"} if project.built else {}
    writing.write(path, reference.starter(dict(project.values), offered).encode())
    if not options().quiet:
        _report(project, path.name)
        _report_articles(project)
        _report_unread(project)
        _report_differences(project)
        click.echo(f"\nNext: broadsheet build{_AND_PREVIEW if digest else ''}")


def _asked_url(project: NewProject) -> str:
    """Ask for the URL of the site if nothing says it; return "" if something does.

    Raises UsageError without a terminal to ask on.
    """
    problem = project.missing_url
    if problem is None:
        return ""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(problem)
    return str(click.prompt("The URL of the web site", value_proc=_base_url))


def _base_url(text: str) -> str:
    """Return the URL of a site with a slash at its end; a domain alone is enough.

    Raises BadParameter if it is invalid.
    """
    try:
        return str(BaseUrl(f"https://{text}" if _DOMAIN.match(text) else text))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None


def _given_values(url: str, title: str, language: str) -> dict[str, object]:
    """Return the values of the options, by key. Raises BadParameter for an invalid one."""
    tag = language_tag(language)
    if language and not tag:
        what = f"{language!r} is not a language tag; write one like zh-CN"
        raise click.BadParameter(what, param_hint="--language")
    given = {URL: url and _base_url(url), "publication.title": title, "publication.language": tag}
    return {key: value for key, value in given.items() if value}


def _with_options(
    project: NewProject, given: Mapping[str, object], digest: str | None
) -> NewProject:
    """Return `project` with the `given` values, and with a digest."""
    values = {**project.values, **given}
    if digest:
        name = f"{values['publication.title']} {digest}"
        values["digests"] = {digest: {"title": name, "schedule": _SCHEDULES[digest]}}
    return replace(project, values=values, given=frozenset(given))


def _write_templates() -> None:
    """Write templates that extend ours, into the folder in the config; overwrite none."""
    root, path = options().directory, options().config_path
    settings = config.load(path, path.name)
    for name, text in starters().items():
        _write_new(root, f"{settings.mail.templates}/{name}", text)
    say("\nNext: broadsheet preview")


def _write_notes() -> None:
    """Write a note that changes nothing for each digest's next issue; overwrite none."""
    project = open_project(options())
    nothing = Catalogue((), project.settings.topics)
    for name in project.settings.digests:
        digest = project.digest(name, lambda _: nothing, {})
        if key := digest.next_key(project.now, project.history(name)):
            _write_new(project.root, note_path(name, key), starter_note(name, key))
    say("\nNext: broadsheet preview")


def _write_new(root: Path, target: str, text: str) -> None:
    if (root / target).exists():
        say(f"{target} exists already, and was not changed")
        return
    writing.write(root / target, text.encode())
    say(f"{target} is written")


def _report(project: NewProject, name: str) -> None:
    click.echo(f"{name} is written.")
    if site := project.site:
        click.echo(f"\nThis is {with_article(site.generator)} site. From its config:")
        for taken in site.taken:
            if project.values.get(taken.key) == taken.value:
                click.echo(f"  {taken.key} = {reference.literal(taken.value)}   ({taken.source})")
    if remarks := project.remarks:
        click.echo("\nPlease look at:")
        for remark in remarks:
            click.echo(f"  {remark}")


def _report_articles(project: NewProject) -> None:
    """Say how many articles a build will find, and which dated files it will not."""
    read, untitled = project.read, project.untitled
    dated = [path for path, is_dated in project.files.items() if is_dated]
    inside = [path for path in dated if path in read]
    outside = [path for path in dated if path not in read]
    without = [path for path in read if not project.files.get(path, False)]
    if project.dated_by_git:
        click.echo(f"\nArticles: {count(len(read), 'file')} in {survey.by_folder(read)}")
        return
    where = f" in {survey.by_folder(inside)}" if inside else ""
    click.echo(f"\nArticles: {count(len(inside), 'dated file')}{where}")
    if languages := project.feeds_by_language:
        click.echo(f"  in several languages: a feed for each; beside the main one: {languages}")
    if untitled:
        click.echo(
            f"  without a title: {survey.by_folder(untitled)}; they get the first heading or the "
            "beginning of the text (articles.title_from)"
        )
    if outside:
        click.echo(
            f"  not included: {count(len(outside), 'dated file')} in {survey.by_folder(outside)}; "
            "add the folder to articles.folders if these are articles"
        )
    if without:
        click.echo(
            f"  without a date, and so not articles: {survey.by_folder(without)}; if some are, "
            "add `date` to their front matter"
        )


def _report_unread(project: NewProject) -> None:
    """Say which texts are in formats that are not read."""
    if unread := project.unread:
        endings = ", ".join(sorted({Path(path).suffix for path in unread}))
        click.echo(
            f"  not read: {count(len(unread), 'file')} ({endings}) in {survey.by_folder(unread)}; "
            "convert those that are articles to Markdown"
        )


def _report_differences(project: NewProject) -> None:
    """Say how the addresses and ids differ from those of the built site, if it is here."""
    found = project.compare_addresses()
    if found is None:
        return
    if built := project.built:
        click.echo(
            f"\nThe site is built in {built}/. If its text should be that of the feeds, with every "
            f'shortcode, component and image name, set articles.rendered = "{built}/"'
        )
    ids = f"; other ids in its feed: {found.ids:,}" if found.ids else ""
    click.echo(f"\nAddresses: {found.same:,} of {found.public:,} are those in {found.source}{ids}")
    for problem in found.problems[:_SHOWN]:
        click.echo(f"  {problem}")
    if len(found.problems) > _SHOWN:
        click.echo(f"  and {len(found.problems) - _SHOWN:,} more; `broadsheet check` names them")
