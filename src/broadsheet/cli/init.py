"""broadsheet init: write a starter broadsheet.toml"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from broadsheet.articles import site_check
from broadsheet.cli.options import common_options, options, say
from broadsheet.digests.templates import starters
from broadsheet.errors import Problem, UsageError
from broadsheet.importers import GeneratedSite
from broadsheet.model import reference
from broadsheet.model.settings import ArticleSettings, FeedSettings
from broadsheet.pipeline.project import PREVIEWS
from broadsheet.storage import config, sources, survey, writing
from broadsheet.storage.built_site import built_folder, find_built_site
from broadsheet.storage.detection import (
    FOLDERS,
    PERMALINK,
    PLACEHOLDER,
    URL,
    articles_of,
    config_values,
    places,
    refuse_unusable,
    site_of,
    usable,
)
from broadsheet.text.counting import count

POSITION = 10  # in `broadsheet --help`
_SHOWN = 5  # articles whose address is another
_OURS = (FeedSettings().folder, PREVIEWS)


@click.command()
@click.option("--templates", is_flag=True, help="Write starters for mail templates of your own.")
@common_options
def command(templates: bool) -> None:
    """Write a starter broadsheet.toml, with what the site's own config says."""
    if templates:
        _write_templates(options().directory)
        return
    path = options().directory / (options().config or config.CONFIG_NAME)
    root = path.parent
    if path.exists():
        raise UsageError(
            Problem("there is a config already", "edit it, or delete it first", path.name)
        )
    files = survey.dated_files(root, but=_OURS)
    site = site_of(root, files)
    taken = usable({each.key: each for each in (site.taken if site else ())}, root, files)
    values, refused = config_values(taken, root, files, _OURS)
    refuse_unusable(values, site, root, _OURS)
    untitled = _take_untitled(values, root, files)
    built = built_folder(root)
    offered = {"articles.rendered": f"{built}/"} if built else {}
    writing.write(path, reference.starter(values, offered).encode())
    if not options().quiet:
        _report(site, values, refused, path)
        _report_articles(values, root, files, untitled)
        _report_unread(root)
        _report_differences(values, root)
        first = "" if URL in values else f"write {URL}, then "
        click.echo(f"\nNext: {first}broadsheet build")


def _write_templates(root: Path) -> None:
    """Write templates that extend ours, into the folder in the config; overwrite none."""
    path = root / (options().config or config.CONFIG_NAME)
    settings = config.load(path, path.name)
    for name, text in starters().items():
        target = f"{settings.mail.templates}/{name}"
        if (root / target).exists():
            say(f"{target} exists already, and was not changed")
            continue
        writing.write(root / target, text.encode())
        say(f"{target} is written")
    say("\nNext: broadsheet preview")


def _report(
    site: GeneratedSite | None, values: dict[str, object], refused: tuple[Problem, ...], path: Path
) -> None:
    click.echo(f"{path.name} is written.")
    if site:
        click.echo(f"\nThis is {_article(site.generator)} {site.generator} site. From its config:")
        for taken in site.taken:
            if values.get(taken.key) == taken.value:
                click.echo(f"  {taken.key} = {reference.literal(taken.value)}   ({taken.source})")
    by_cname = URL in values and URL not in {each.key for each in (site.taken if site else ())}
    remarks = [
        *(each for each in (site.remarks if site else ()) if each.key != URL or not by_cname),
        *refused,
        *_remarks(site, values, path.parent),
    ]
    if remarks:
        click.echo("\nPlease look at:")
        for remark in remarks:
            click.echo(f"  {remark}")


def _take_untitled(values: dict[str, object], root: Path, files: Mapping[str, bool]) -> list[str]:
    """Let the text give titles if dated files have none; return these files."""
    if "articles.title_from" in values:
        return []
    dated = [path for path in places(values, root, _OURS) if files.get(path)]
    if untitled := survey.without_title(root, dated):
        values["articles.title_from"] = ["heading", "text", "filename"]
    return untitled


def _report_articles(
    values: dict[str, object], root: Path, files: Mapping[str, bool], untitled: list[str]
) -> None:
    """Say how many articles a build will find, and which dated files it will not."""
    read = places(values, root, _OURS)
    dated = [path for path, is_dated in files.items() if is_dated]
    inside = [path for path in dated if path in read]
    outside = [path for path in dated if path not in read]
    without = [path for path in read if not files.get(path, False)]
    where = f" in {survey.by_folder(inside)}" if inside else ""
    click.echo(f"\nArticles: {count(len(inside), 'dated file')}{where}")
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


def _report_unread(root: Path) -> None:
    """Say which texts are in formats that are not read."""
    if unread := survey.other_texts(root, but=_OURS):
        endings = ", ".join(sorted({Path(path).suffix for path in unread}))
        click.echo(
            f"  not read: {count(len(unread), 'file')} ({endings}) in {survey.by_folder(unread)}; "
            "convert those that are articles to Markdown"
        )


def _report_differences(values: dict[str, object], root: Path) -> None:
    """Say how the addresses and ids differ from those of the built site, if it is here."""
    base = str(values.get(URL, PLACEHOLDER))
    site = find_built_site(root, base)
    if site is None:
        return
    if built := built_folder(root):
        click.echo(
            f"\nThe site is built in {built}/. If its text should be that of the feeds, with every "
            f'shortcode, component and image name, set articles.rendered = "{built}/"'
        )
    articles = [*articles_of(values, root, _OURS)]
    found = site_check.differences(articles, site, base)
    public = sum(not article.hidden for article in articles)
    click.echo(f"\nAddresses: {public - len(found):,} of {public:,} are those in {site.source}")
    for problem in list(site_check.problems(found, site))[:_SHOWN]:
        click.echo(f"  {problem}")
    if len(found) > _SHOWN:
        click.echo(f"  and {len(found) - _SHOWN:,} more; `broadsheet check` names them")


def _remarks(
    site: GeneratedSite | None, values: dict[str, object], root: Path
) -> Iterator[Problem]:
    """Yield what an editor should look at, whatever the site's own config said."""
    taken = {each.key for each in site.taken} if site else set()
    folders = values["articles.folders"]
    listed = [str(folder) for folder in folders] if isinstance(folders, list) else []
    if not any(sources.holds_articles(root / folder) for folder in listed):
        yield Problem(f"there is no Markdown file in {', '.join(listed)} yet", key=FOLDERS)
    elif FOLDERS not in taken:
        yield Problem(f"the articles are taken from {', '.join(listed)}", key=FOLDERS)
    first = listed[0].partition("/")[0]
    if site is None and first != "." and (inner := site_of(root / first)):
        what = f"there is {_article(inner.generator)} {inner.generator} site in {first}/"
        yield Problem(what, f"run `broadsheet -C {first} init` to read its config", key=FOLDERS)
    if PERMALINK not in taken and (site is None or FOLDERS not in taken):
        pattern = values.get(PERMALINK, ArticleSettings().permalink)
        what = f'no generator says how addresses are made, and "{pattern}" is a guess'
        yield Problem(what, "compare with the address of one article on the site", key=PERMALINK)
    if URL in values and URL not in taken:
        yield Problem(f"{values[URL]} was taken from the file CNAME", key=URL)
    remarked = {remark.key for remark in site.remarks} if site else set()
    if URL not in values and URL not in remarked:
        yield Problem("not found", "write the URL of the web site into the config", key=URL)


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEIOU" else "a"
