"""Laws of published output: they hold for any articles, in any order, on any machine."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.pipeline import store
from broadsheet.storage.outputs import read_manifest
from laws import law, long
from newsroom import NOW, Newsroom, Ran, contents, live, run_command, stamps

MANIFEST = ".broadsheet.json"


@dataclass(frozen=True, slots=True)
class Piece:
    """An article to be written: its path, and the parts that can change."""

    path: str
    fields: tuple[tuple[str, object], ...]
    body: str

    def write(self, newsroom: Newsroom) -> None:
        newsroom.article(self.path, self.body, **dict(self.fields))


_PATHS = st.sampled_from(
    ["a.md", "b.md", "news/c.md", "news/d/index.md", "2025-05-01-e.md", "中 文.md", "f.md", "G.md"]
)
_DATES = st.datetimes(datetime(2024, 11, 1), datetime(2025, 7, 2)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0).isoformat()
)
_TOPICS = st.lists(
    st.sampled_from(["大模型", "开源", "Open Source", "open-source", "C#", "c"]), max_size=3
)
_BODIES = st.lists(
    st.sampled_from(
        [
            "# 标题\n\n正文。\n",
            "[next](b.md) and [other](news/c.md#x)\n",
            "![x](i.png)\n",
            "Note.[^1]\n\n[^1]: It.\n",
            "<!--more-->\n",
            "| a | b |\n| - | - |\n| 1 | 2 |\n",
        ]
    ),
    max_size=3,
).map("\n".join)


@st.composite
def _pieces(draw: st.DrawFn) -> Piece:
    fields = {
        "date": draw(_DATES),
        "categories": draw(_TOPICS),
        "tags": draw(_TOPICS),
        "draft": draw(st.sampled_from([False, False, False, True])),
        "image": draw(st.sampled_from(["", "i.png", "/i.png", "https://cdn.example/x y.png"])),
        "summary": draw(st.sampled_from(["", "一句话。"])),
    }
    return Piece(draw(_PATHS), tuple(fields.items()), draw(_BODIES))


NEWS = st.lists(_pieces(), max_size=6, unique_by=lambda piece: piece.path)
ENTRIES = st.integers(1, 4)


@pytest.fixture(scope="module", autouse=True)
def _without_waiting_for_the_disk() -> Iterator[None]:
    """Thousands of files are written here; test_outputs checks that each reaches the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@contextmanager
def newsroom_of(pieces: list[Piece], entries: int = 2) -> Iterator[Newsroom]:
    """A newsroom in a folder with a random name, its articles written in the given order."""
    with tempfile.TemporaryDirectory() as name:
        newsroom = Newsroom.open(Path(name), _config(entries))
        newsroom.write("content/i.png", b"x")
        for piece in pieces:
            piece.write(newsroom)
        yield newsroom


def _config(entries: int) -> str:
    return f'[feeds]\nentries = {entries}\nby = ["topics", "tags"]\n'


def built_from_nothing(pieces: list[Piece], entries: int = 2) -> dict[str, bytes]:
    with newsroom_of(pieces, entries) as newsroom:
        return newsroom.build()


@given(NEWS, ENTRIES, st.randoms(use_true_random=False))
@law(5)
def test_file_order_and_folder_do_not_matter(
    pieces: list[Piece], entries: int, random: object
) -> None:
    """The same articles give the same bytes in any folder and in any order of creation."""
    shuffled = list(pieces)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert built_from_nothing(pieces, entries) == built_from_nothing(shuffled, entries)


@given(NEWS, ENTRIES)
@law(5)
def test_a_second_build_touches_nothing(pieces: list[Piece], entries: int) -> None:
    """A second build touches no file, with the store or without it."""
    with newsroom_of(pieces, entries) as newsroom:
        newsroom.build()
        before = stamps(newsroom.folder / "feeds")
        newsroom.build()
        for path in (newsroom.folder / ".broadsheet").iterdir():
            path.unlink()
        newsroom.build()
        assert stamps(newsroom.folder / "feeds") == before


@given(NEWS, st.lists(st.tuples(st.booleans(), _pieces()), min_size=1, max_size=5), ENTRIES)
@law(5)
def test_incremental_builds_equal_a_full_build(
    pieces: list[Piece], edits: list[tuple[bool, Piece]], entries: int
) -> None:
    """Any edits, renames and removals, each followed by a build, end in the output of a build from
    scratch, except for feeds that have ended."""
    with newsroom_of(pieces, entries) as newsroom:
        newsroom.build()
        there = {piece.path: piece for piece in pieces}
        for removed, piece in edits:
            if removed and there:
                path, _ = there.popitem()
                (newsroom.folder / "content" / path).unlink()
            else:
                there[piece.path] = piece
                piece.write(newsroom)
            stepwise = newsroom.build()
        assert live(stepwise) == live(built_from_nothing(list(there.values()), entries))
        folders = [path for path in (newsroom.folder / "feeds").rglob("*") if path.is_dir()]
        assert all(any(folder.iterdir()) for folder in folders)


_CONFIGS = (
    "",
    '[feeds]\nentries = 1\nby = ["tags"]\n',
    '[feeds]\ncontent = "summary"\nformats = ["json"]\narchive = "none"\n',
    '[articles]\npermalink = "/{year}/{slug}/"\n[topics.aliases]\n"开放" = ["开源", "c"]\n',
    '[digests.weekly]\ntitle = "W"\n',
)
_NOWS = (NOW, "2025-06-30T09:00:01+08:00", "2025-03-01T00:00:00Z", "2024-01-01T00:00:00Z")
_BROKEN = "---\ntitle: [\n---\n"


class _Meddler:
    """Change a project as people, tools and bad disks do, with random choices by Hypothesis."""

    def __init__(self, newsroom: Newsroom, draw: st.DataObject) -> None:
        self.newsroom, self.draw, self.now = newsroom, draw, NOW

    def some(self, folder: str) -> list[Path]:
        """Return one file of a folder in a list, or an empty list if there are none."""
        place = self.place()
        there = sorted(p for p in (self.newsroom.folder / folder).rglob("*") if p.is_file())
        return [there[place % len(there)]] if there else []

    def place(self) -> int:
        """Draw a position; the draw itself does not depend on what is on the disk."""
        return self.draw.draw(st.integers(0, 1_000_000))

    def write(self) -> None:
        self.draw.draw(_pieces()).write(self.newsroom)

    def break_one(self) -> None:
        for path in self.some("content"):
            path.write_text(_BROKEN, encoding="utf-8")

    def no_date(self) -> None:
        self.newsroom.write("content/page.md", "---\ntitle: A page\n---\n")

    def same_size_same_time(self) -> None:
        for path in self.some("content"):
            status, data = path.stat(), path.read_bytes()
            path.write_bytes(data.replace("正文".encode(), "证文".encode()).replace(b"T", b"U"))
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def touch(self) -> None:
        for path in self.some("content"):
            path.touch()

    def set_back(self) -> None:
        for path in self.some("content"):
            os.utime(path, (1, 1))

    def rename(self) -> None:
        for path in self.some("content"):
            path.rename(path.with_name("renamed.md"))

    def swap(self) -> None:
        for one, other in zip(self.some("content"), self.some("content"), strict=False):
            if one != other:
                between = one.with_name("between")
                one.rename(between)
                other.rename(one)
                between.rename(other)

    def remove(self) -> None:
        for path in self.some("content"):
            path.unlink()

    def image(self) -> None:
        self.newsroom.write("content/i.png", self.draw.draw(st.sampled_from([b"x", b"y", b"xy"])))

    def clock(self) -> None:
        self.now = self.draw.draw(st.sampled_from(_NOWS))

    def configure(self) -> None:
        self.newsroom.configure(self.draw.draw(st.sampled_from(_CONFIGS)))

    def upgrade(self) -> None:
        installed = self.draw.draw(st.sampled_from(["a-1", "a-2"]))
        store.libraries = lambda: installed
        store.version.cache_clear()

    def lose_store(self) -> None:
        for path in (self.newsroom.folder / ".broadsheet").glob("memo*"):
            path.unlink()

    def break_store(self) -> None:
        place = self.place()
        for path in (self.newsroom.folder / ".broadsheet").glob("memo.sqlite3"):
            data = bytearray(path.read_bytes())
            start = place % max(len(data), 1)
            data[start : start + 3000] = b"\xa5" * len(data[start : start + 3000])
            path.write_bytes(data)

    def edit_output(self) -> None:
        for path in self.some("feeds"):
            if path.name != MANIFEST:
                status, data = path.stat(), path.read_bytes()
                path.write_bytes(data[:-1] + b"?")
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def remove_output(self) -> None:
        for path in self.some("feeds"):
            if path.name != MANIFEST:
                path.unlink()

    def nothing(self) -> None:
        pass


_MEDDLING = sorted(
    name
    for name, each in vars(_Meddler).items()
    if callable(each) and name not in {"some", "place", "__init__"}
)


def _same(after: dict[str, bytes], fresh: dict[str, bytes], anew: Ran) -> bool:
    """Whether two newsrooms publish the same, except for feeds that would end if no article had an
    error."""
    feeds = re.compile(r"((topics|tags)/[^/]*/)?(atom\.xml|rss\.xml|feed\.json)")
    more = after.keys() - fresh.keys()
    known = anew.code == 1 and all(map(feeds.fullmatch, more))
    return {**fresh, **({path: after[path] for path in more} if known else {})} == after


def _said(ran: Ran, newsroom: Newsroom) -> tuple[object, ...]:
    """Return what a run reports, without what depends on earlier runs: existing files, articles
    that dropped out, feeds that have ended."""
    counts = re.match(
        r"feeds/: (.*); (\S+) files? written, (?:\S+ removed, )?(\S+) unchanged", ran.out
    )
    assert counts, ran
    files = sum(int(count.replace(",", "")) for count in counts.groups()[1:])
    files -= len(read_manifest(newsroom.folder / "feeds").retired)
    history = re.compile("no longer in the feeds|feeds/.*: this feed has ended")
    wrong = [line for line in ran.err.splitlines() if not history.match(line)]
    return ran.code, wrong, counts[1], files, ran.out.split("\n")[1:]


@given(NEWS, st.lists(st.sampled_from(_MEDDLING), min_size=2, max_size=7), st.data())
@law(4)
def test_builds_do_not_depend_on_history(
    pieces: list[Piece], meddling: list[str], draw: st.DataObject
) -> None:
    """Whatever happened before, each build publishes and reports what one from scratch would."""
    real = store.libraries
    try:
        with newsroom_of(pieces) as newsroom, tempfile.TemporaryDirectory() as name:
            meddler = _Meddler(newsroom, draw)
            newsroom.run("build")
            for number, each in enumerate(meddling):
                getattr(meddler, each)()
                ran = newsroom.run("build", now=meddler.now)
                fresh = Newsroom(Path(name) / str(number))
                for part in ("content", "broadsheet.toml"):
                    copy = shutil.copytree if part == "content" else shutil.copy
                    fresh.folder.mkdir(exist_ok=True)
                    copy(newsroom.folder / part, fresh.folder / part)
                anew = fresh.run("build", now=meddler.now)
                assert _said(ran, newsroom) == _said(anew, fresh)
                assert _same(live(newsroom.published()), live(fresh.published()), anew)
    finally:
        store.libraries = real
        store.version.cache_clear()


@given(NEWS)
@law(5)
def test_a_rename_that_keeps_the_slug_changes_nothing(pieces: list[Piece]) -> None:
    """With an explicit slug, the output does not depend on the file name."""
    own = (("title", "T"), ("image", ""))  # images are searched for beside the file
    slugged = [
        Piece(piece.path, (*piece.fields, *own, ("slug", f"s{number}")), "Text.\n")
        for number, piece in enumerate(pieces)
    ]
    moved = [
        Piece(f"moved/{number}.md", piece.fields, piece.body)
        for number, piece in enumerate(slugged)
    ]
    assert built_from_nothing(slugged) == built_from_nothing(moved)


@given(NEWS, ENTRIES, st.sampled_from(["month", "year"]))
@law(5)
def test_every_article_is_in_one_document_and_archives_do_not_change(
    pieces: list[Piece], entries: int, archive: str
) -> None:
    """A reader that walks the archives finds each article once; newer articles change no
    archive."""
    with newsroom_of(pieces, entries) as newsroom:
        newsroom.configure(f'[feeds]\nentries = {entries}\nby = []\narchive = "{archive}"\n')
        before = newsroom.build()
        walked, following = [], "atom.xml"
        while following:
            feed = feedparser.parse(before[following])
            walked += [entry.id for entry in feed.entries]
            links = {link.rel: link.href for link in feed.feed.links}
            following = links.get("prev-archive", "").removeprefix("https://example.org/feeds/")
        now = datetime.fromisoformat(NOW)
        public = [
            piece
            for piece in pieces
            if not dict(piece.fields)["draft"]
            and datetime.fromisoformat(str(dict(piece.fields)["date"])) <= now
        ]
        assert len(walked) == len(set(walked)) == len(public)
        later = now + timedelta(days=40)
        Piece("later.md", (("date", now.isoformat()),), "New.\n").write(newsroom)
        drafts_out = {path: data for path, data in before.items() if path.startswith("archive/")}
        after = newsroom.build(now=NOW)
        assert {path: after.get(path) for path in drafts_out} == drafts_out
        grown = newsroom.build(now=later.isoformat())
        if len(public) == len(pieces):
            assert {path: grown.get(path) for path in drafts_out} == drafts_out


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    """A newsroom large enough for two workers."""
    newsroom = Newsroom.open(tmp_path_factory.mktemp("large"), _config(100))
    for number in range(85):
        newsroom.article(
            f"文 {number}.md",
            f"# {number}\n\n- [x](文%20{number + 1}.md)\n- [ ] Note.[^1]\n\n[^1]: It.\n",
            date=f"2025-0{1 + number % 6}-1{number % 10}",
            categories=["大模型", "Straße", f"T{number % 7}"],
            tags=["C#", "iİı"],
        )
    return newsroom


@pytest.fixture(scope="module")
def one_worker(large: Newsroom) -> dict[str, bytes]:
    """What a single process makes of it in this environment."""
    return large.build("--workers", "1")


@pytest.mark.measuring
@pytest.mark.parametrize(
    "environment",
    [
        {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "2"},
        *long(
            {"TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
            {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
        ),
    ],
)
def test_the_environment_does_not_matter(
    large: Newsroom, one_worker: dict[str, bytes], environment: dict[str, str], tmp_path: Path
) -> None:
    """Another time zone, locale, hash seed or encoding, and two workers, give the same bytes."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    copy = Newsroom.open(folder, _config(100))
    for path, data in sorted(contents(large.folder / "content").items(), reverse=True):
        copy.write(f"content/{path}", data)
    done = run_command(folder, "build", "--workers", "2", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert copy.published() == one_worker


def test_the_clock_does_not_matter(large: Newsroom, one_worker: dict[str, bytes]) -> None:
    """A later `now` that adds and removes no article changes no byte."""
    assert large.build(now="2027-01-01T00:00:00Z") == one_worker
