"""What some generators do with files, tried by the real command on small sites."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from newsroom import Newsroom

NIKOLA = '[articles]\nfolders = ["posts"]\naddresses = "nikola"\npermalink = "/{path}/"\n'
META = """.. title: A post
.. slug: b
.. date: 2025-06-01 08:00:00 UTC+02:00
.. tags: x, y
.. link:
"""


def items(newsroom: Newsroom) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(newsroom.build()["feed.json"])["items"]
    return found


@pytest.mark.parametrize("meta", [META, f"<!--\n{META}-->\n"])
def test_nikola_s_metadata_may_be_in_a_file_of_its_own(newsroom: Newsroom, meta: str) -> None:
    """With a comment around it or none. The text is at the top of the other; changes are seen."""
    newsroom.configure(NIKOLA)
    newsroom.write("posts/a.md", "Alpha *beta*.\n")
    newsroom.write("posts/a.meta", meta)
    newsroom.write("posts/none.md", "Just a text.\n")
    newsroom.write("posts/own.md", "---\ntitle: Own\ndate: 2025-06-02\n---\nText.\n")
    newsroom.write("posts/own.meta", ".. title: Not this\n.. date: 2025-06-03\n")
    own, article = items(newsroom)
    assert own["title"] == "Own"
    assert (article["title"], article["tags"]) == ("A post", ["x", "y"])
    assert article["url"] == "https://example.org/b/"
    assert article["content_html"] == "<p>Alpha <em>beta</em>.</p>"
    newsroom.write("posts/a.meta", meta.replace("A post", "Another"))
    assert items(newsroom)[1]["title"] == "Another"
    newsroom.write("posts/a.md", "Gamma.\n")
    assert items(newsroom)[1]["content_html"] == "<p>Gamma.</p>"
    (newsroom.folder / "posts/a.meta").unlink()
    assert [each["title"] for each in items(newsroom)] == ["Own"]
    newsroom.write("posts/a.meta", META)
    assert len(items(newsroom)) == 2


def test_nikola_s_posts_may_be_html(newsroom: Newsroom) -> None:
    """With the metadata in a comment; other HTML files are none."""
    newsroom.configure(NIKOLA)
    newsroom.write("posts/a.html", f"<!--\n{META}-->\n<p>Alpha</p>\n")
    newsroom.write("posts/b.html", "<!-- x -->\n<p>Beta</p>\n")
    (article,) = items(newsroom)
    assert (article["title"], article["content_html"]) == ("A post", "<p>Alpha</p>")


def test_init_counts_articles_with_metadata_of_their_own(tmp_path: Path) -> None:
    """They are dated."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("conf.py", 'POSTS = (("posts/*.md", "posts", "post.tmpl"),)\n')
    newsroom.write("posts/a.md", "Alpha.\n")
    newsroom.write("posts/a.meta", META)
    assert (
        "Articles: 1 dated file in posts (1)"
        in newsroom.run("init", "--url", "https://a.example/").out
    )


def test_the_assets_of_a_hexo_post_are_in_a_folder_of_its_name(newsroom: Newsroom) -> None:
    """They are served under its address."""
    newsroom.configure('[articles]\naddresses = "hexo"\npermalink = "/{year}/{slug}/"\n')
    newsroom.article("p.md", "![a](i.png) {% asset_img i.png b %}\n")
    newsroom.article("q.md", "![a](i.png)\n")
    newsroom.write("content/p/i.png", b"x")
    by_title = {each["title"]: each["content_html"] for each in items(newsroom)}
    assert by_title["p"].count('src="https://example.org/2025/p/i.png"') == 2
    found = json.loads(newsroom.run("check", "--json").out)
    missing = [each["path"] for each in found if each["rule"] == "body-image-missing"]
    assert missing == ["content/q.md"]


@pytest.mark.parametrize("addresses", ["hugo", "zola"])
def test_links_lead_to_sections_and_pages(newsroom: Newsroom, addresses: str) -> None:
    """By their folder or the pattern, or by the address in their front matter."""
    newsroom.configure(f'[articles]\naddresses = "{addresses}"\npermalink = "/{{path}}/"\n')
    field = "url" if addresses == "hugo" else "path"
    page = "---\ntitle: T\n---\n"
    newsroom.write("content/Blog/_index.md", page)
    newsroom.write("content/_index.md", page)
    newsroom.write("content/about.md", page)
    newsroom.write("content/own/_index.md", f"---\ntitle: T\n{field}: /elsewhere/\n---\n")
    newsroom.article(
        "Blog/a.md", "[1](_index.md) [2](../_index.md) [3](../about.md) [4](../own/_index.md)"
    )
    html = items(newsroom)[0]["content_html"]
    assert [part.partition('"')[0] for part in html.split('href="')[1:]] == [
        f"https://example.org/{path}" for path in ("blog/", "", "about/", "elsewhere/")
    ]
    found = json.loads(newsroom.run("check", "--json").out)
    assert not [each for each in found if each["rule"] == "broken-link"]


def test_an_article_is_found_before_a_section_of_its_name(newsroom: Newsroom) -> None:
    """A wiki link names articles first."""
    newsroom.configure(
        '[articles]\naddresses = "hugo"\npermalink = "/{path}/"\nmarkdown = "obsidian"\n'
    )
    newsroom.write("content/x/topic/_index.md", "---\ntitle: T\n---\n")
    newsroom.article("y/topic.md", date="2025-06-01")
    newsroom.article("a.md", "[[topic]]\n")
    assert 'href="https://example.org/y/topic/"' in items(newsroom)[0]["content_html"]


def test_init_reads_the_plugins_of_eleventy(tmp_path: Path) -> None:
    """An extension is on if the site installs a plugin for it."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("eleventy.config.js", "export default function () {}\n")
    packages = {"dependencies": {"@photogabble/eleventy-plugin-interlinker": "1"}}
    newsroom.write("package.json", json.dumps({**packages, "devDependencies": {"other": "1"}}))
    newsroom.article("a.md")
    newsroom.run("init", "--url", "https://a.example/")
    config = (tmp_path / "broadsheet.toml").read_text("utf-8")
    assert "\nmarkdown_extensions = { wikilinks = true }\n" in config


def test_init_names_a_site_in_a_subfolder(tmp_path: Path) -> None:
    """As in repositories of a program with its web site."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("website/docusaurus.config.js", 'module.exports = {title: "T"};\n')
    newsroom.write("website/blog/2025-06-01-a.md", "---\ntitle: T\n---\n")
    told = newsroom.run("init", "--url", "https://a.example/").out
    assert "there is a Docusaurus site in website/; run `broadsheet -C website init`" in told


def test_a_shortcode_for_code_is_code(newsroom: Newsroom) -> None:
    """Its language may be named; what is in it is no HTML."""
    newsroom.configure('[articles]\nmarkdown = "hugo"\n')
    newsroom.article("a.md", '{{< code lang="xml" title="x" >}}\n<a b="c">\n{{< /code >}}\n')
    html = items(newsroom)[0]["content_html"]
    assert html == '<pre><code class="language-xml">&lt;a b="c"&gt;\n</code></pre>'


GIT = '[articles]\ndate_from = ["git"]\ntitle_from = ["heading"]\n'


def git(folder: Path, *arguments: str, date: str = "2025-01-01T00:00:00+00:00") -> None:
    names = {
        f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = {**os.environ, **names, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    command = ["git", "-C", str(folder), "-c", "init.defaultBranch=main", *arguments]
    subprocess.run(command, env=environment, check=True, capture_output=True)


def commit(newsroom: Newsroom, day: int) -> None:
    git(newsroom.folder, "add", "-A")
    git(newsroom.folder, "commit", "-m", "x", date=f"2025-06-{day:02}T08:00:00+02:00")


@pytest.fixture
def repository(newsroom: Newsroom) -> Newsroom:
    """Two files, one of which was changed, moved and changed again."""
    newsroom.configure(GIT)
    newsroom.write(".gitignore", "feeds/\n.broadsheet/\n")
    git(newsroom.folder, "init")
    newsroom.write("content/中 文.md", "# Old\n\n" + "A text of some length.\n" * 9)
    commit(newsroom, 1)
    newsroom.write("content/b.md", "# New\n\nOther.\n")
    newsroom.write("content/中 文.md", "# Old\n\n" + "A text of some length.\n" * 10)
    commit(newsroom, 2)
    (newsroom.folder / "content/x").mkdir()
    git(newsroom.folder, "mv", "content/中 文.md", "content/x/moved.md")
    commit(newsroom, 3)
    newsroom.write("content/x/moved.md", "# Old\n\n" + "A text of some length.\n" * 11)
    commit(newsroom, 4)
    return newsroom


def dates(newsroom: Newsroom) -> dict[str, str]:
    return {each["title"]: each["date_published"] for each in items(newsroom)}


def test_a_date_may_come_from_git(repository: Newsroom) -> None:
    """That of the first commit, whatever became of the file since; others keep their own."""
    expected = {"Old": "2025-06-01T08:00:00+02:00", "New": "2025-06-02T08:00:00+02:00"}
    assert dates(repository) == expected
    repository.article("own.md", title="Own", date="2025-05-05T00:00:00Z")
    repository.write("content/later.md", "# Later\n")
    assert dates(repository) == {**expected, "Own": "2025-05-05T00:00:00+00:00"}
    commit(repository, 5)
    assert dates(repository)["Later"] == "2025-06-05T08:00:00+02:00"
    repository.configure(GIT.replace('date_from = ["git"]', ""))
    assert set(dates(repository)) == {"Own"}


def test_git_is_asked_only_where_it_knows(
    repository: Newsroom, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A clone without history, and a folder without Git, are said to be so."""
    folder = tmp_path_factory.mktemp("elsewhere")
    clone = folder / "clone"
    git(folder, "clone", "--depth=1", f"file://{repository.folder}", str(clone))
    ran = Newsroom(clone).run("build")
    assert ran.code == 2
    assert "articles.date_from: this clone has only the latest commits" in ran.err
    assert "`git fetch --unshallow`" in ran.err
    (folder / "plain").mkdir()
    plain = Newsroom.open(folder / "plain", GIT)
    ran = plain.run("build")
    assert (ran.code, "articles.date_from: Git cannot be asked here" in ran.err) == (2, True)


def test_docusaurus_names_authors_by_their_keys(newsroom: Newsroom) -> None:
    """Those of authors.yml, also as `key`; a change of that file is seen, and so is a mistake."""
    newsroom.configure('[articles]\naddresses = "docusaurus"\n')
    people = (
        "ann:\n  name: Ann Lee\n  url: https://a.example/\nbo: {name: Bo, email: b@b.example}\n"
    )
    newsroom.write("content/authors.yml", people)
    newsroom.article("a.md", authors=["ann", {"key": "bo"}, {"name": "Cy"}, "Di"])
    (item,) = items(newsroom)
    assert item["authors"] == [
        {"name": "Ann Lee", "url": "https://a.example/"},
        {"name": "Bo", "url": "mailto:b@b.example"},
        {"name": "Cy"},
        {"name": "Di"},
    ]
    newsroom.write("content/authors.yml", people.replace("Ann Lee", "Ann Li"))
    assert items(newsroom)[0]["authors"][0]["name"] == "Ann Li"
    newsroom.write("content/authors.yml", "- ann\n")
    ran = newsroom.run("build")
    assert (ran.code, ran.err.partition(";")[0]) == (1, "content/authors.yml: it cannot be read")


def test_init_tells_addresses_from_ids(tmp_path: Path) -> None:
    """A site whose feed has other ids can have the same addresses."""
    newsroom = Newsroom(tmp_path)
    for name in ("a", "b"):
        newsroom.article(f"{name}.md")
    newsroom.write("CNAME", "example.org\n")
    for name in ("index.html", "posts/a/index.html", "b/index.html"):
        newsroom.write(f"public/{name}", "<p>x</p>")
    entry = "<entry><link href='https://example.org/posts/a/'/><id>urn:x:a</id></entry>"
    newsroom.write("public/atom.xml", f"<feed xmlns='http://www.w3.org/2005/Atom'>{entry}</feed>")
    told = newsroom.run("init").out
    assert "Addresses: 1 of 2 are those in public; other ids in its feed: 1" in told
    assert told.index("content/b.md: its address is") < told.index("content/a.md: its id is")


def test_only_folders_with_a_list_page_are_sections_of_hugo(newsroom: Newsroom) -> None:
    """And those at the top; in each language its own. A new list page moves the articles."""
    newsroom.configure(
        '[articles]\naddresses = "hugo"\npermalink = "/{sections}/{slug}/"\n'
        '[articles.in."*.de"]\nprefix = "/de/"\n'
    )
    for name in ("a", "b.de"):
        newsroom.article(f"Top/x/y/{name}.md")
    page = "---\ntitle: T\n---\n"

    def addresses() -> list[str]:
        return sorted(each["url"].removeprefix("https://example.org/") for each in items(newsroom))

    assert addresses() == ["de/top/b/", "top/a/"]
    newsroom.write("content/Top/x/_index.de.md", page)
    assert addresses() == ["de/top/x/b/", "top/a/"]
    newsroom.write("content/Top/x/y/_index.md", page)
    assert addresses() == ["de/top/x/b/", "top/x/y/a/"]
    newsroom.configure('[articles]\npermalink = "/{sections}/{slug}/"\n')
    assert addresses() == ["top/x/y/a/", "top/x/y/b.de/"]


@pytest.mark.parametrize("undated", [True, False])
def test_docusaurus_dates_posts_by_git(tmp_path: Path, *, undated: bool) -> None:
    """`init` switches that on if there are such posts and a repository with their history."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("docusaurus.config.js", "module.exports = {'url': `https://d.example`}\n")
    newsroom.write("blog/2025-06-01-a.md", "---\ntags: [x]\n---\n# A\n")
    if undated:
        newsroom.write("blog/b.md", "# B\n")
    assert newsroom.run("init").code == 0
    config = tmp_path / "broadsheet.toml"
    assert '\ndate_from = ["git"]' not in config.read_text("utf-8")
    config.unlink()
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org")
    for command in (("init",), ("add", "."), ("commit", "-m", "Add")):
        dated = {**os.environ, "GIT_AUTHOR_DATE": "2025-06-02T08:00:00Z"}
        subprocess.run([*git, *command], cwd=tmp_path, check=True, capture_output=True, env=dated)
    assert newsroom.run("init").code == 0
    assert ('\ndate_from = ["git"]' in config.read_text("utf-8")) == undated
    assert len(items(newsroom)) == 1 + undated


def test_a_quarto_blog(tmp_path: Path) -> None:
    """`init` finds its posts; `check` says what only Quarto can show, and nothing that is right."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("_quarto.yml", "website: {title: Q, site-url: https://q.example}\n")
    newsroom.write("index.qmd", "---\ntitle: Q\nlisting: {contents: posts}\n---\n")
    front = "---\ntitle: {}\ndate: 2025-06-0{}\nimage: index_files/figure-html/a-1.png\n---\n"
    text = "[b](../b.qmd) ![](x.png) $[a][b]$\n\n```{r}\nplot(1)\n```\n"
    newsroom.write("posts/Welcome/index.qmd", front.format("A", 1) + text)
    newsroom.write("posts/Welcome/x.png", b"x")
    newsroom.write("posts/b.qmd", front.format("B", 2).replace("image", "x") + "Text.\n")
    newsroom.write("posts/_c.qmd", front.format("C", 3))
    assert newsroom.run("init").code == 0
    b, a = items(newsroom)
    assert b["url"] == "https://q.example/posts/b.html"
    assert a["url"] == "https://q.example/posts/Welcome/"
    assert f'href="{b["url"]}"' in a["content_html"]
    assert 'src="https://q.example/posts/Welcome/x.png"' in a["content_html"]
    told = {each["rule"] for each in json.loads(newsroom.run("check", "--json").out)}
    assert told <= {"code-output", "no-summary", "image-alt", "body-image-alt"}
    assert "code-output" in told
