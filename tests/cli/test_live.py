"""`broadsheet preview --serve`: a local page that follows what the editor saves."""

from __future__ import annotations

import html
import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from newsroom import NOW, Newsroom, stamps

pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

PNG = b"\x89PNG\r\n\x1a\n"
PAGE = "/weekly/2025-06-30/preview.html"
_SECONDS = 20
_COMMAND = (sys.executable, "-m", "broadsheet", "preview", "--serve", "--port", "0")


@dataclass
class Served:
    """A running live preview."""

    process: subprocess.Popen[str]
    port: int

    def get(self, path: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
        """Return status, body and headers of `path`, which is sent unchanged."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body, answer.headers

    @contextmanager
    def events(self) -> Iterator[Iterator[str]]:
        """Yield the events that the server sends, line by line."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)
        connection.request("GET", "/events")
        answer = connection.getresponse()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        try:
            yield (line.decode().strip() for line in iter(answer.readline, b""))
        finally:
            connection.close()


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """A digest with a due issue, an image, and files that must not be served."""
    return _filled(newsroom)


def _filled(newsroom: Newsroom) -> Newsroom:
    newsroom.configure('\n[digests.weekly]\ntitle = "周报"\n')
    newsroom.write("content/image.png", PNG)
    newsroom.article("a.md", title="甲", date="2025-06-26", image="image.png")
    newsroom.write("secret.txt", "secret")
    newsroom.write("content/draft.md", "---\ntitle: Secret\ndraft: true\ndate: 2025-06-26\n---\n")
    return newsroom


@contextmanager
def _serving(newsroom: Newsroom) -> Iterator[Served]:
    process = subprocess.Popen(
        [*_COMMAND, "-C", str(newsroom.folder), "--now", NOW],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.match(r"http://127\.0\.0\.1:(\d+)/ shows the previews", said)
        assert found, said or process.communicate()[1]
        yield Served(process, int(found[1]))
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def served(project: Newsroom) -> Iterator[Served]:
    """A live preview of `project`, for a test that changes or ends it."""
    with _serving(project) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A live preview for all tests that only look at it."""
    with _serving(_filled(Newsroom.open(tmp_path_factory.mktemp("shared")))) as running:
        yield running


def test_the_page_reloads_after_an_edit(project: Newsroom, served: Served) -> None:
    """After an edit the browser is notified, and the page shows the new title."""
    status, body, headers = served.get(PAGE)
    assert status == 200
    assert "甲" in body
    assert "EventSource" in body
    assert headers["Cache-Control"] == "no-store"
    with served.events() as events:
        project.article("a.md", title="丁", date="2025-06-26")
        assert next(line for line in events if line.startswith("data:")) == "data: changed"
        assert "丁" in served.get(PAGE)[1]
        project.configure('\n[digests.weekly]\ntitle = "晨报"\n')
        assert next(line for line in events if line.startswith("data:")) == "data: changed"
        assert "晨报" in served.get("/index.html")[1]
        project.configure("[nonsense]\n")
        assert next(line for line in events if line.startswith("data:")) == "data: changed"
        broken = served.get(PAGE)[1]
        assert "unknown key" in broken
        assert "EventSource" in broken, "it reloads once the error is fixed"
        project.configure('\n[digests.weekly]\ntitle = "夜报"\n')
        assert next(line for line in events if line.startswith("data:")) == "data: changed"
        assert "夜报" in served.get(PAGE)[1]
    assert served.process.poll() is None


@pytest.mark.long
def test_an_article_that_takes_too_long_is_left_out(project: Newsroom, served: Served) -> None:
    """If an article would take minutes to render, the pages are shown without it."""
    with served.events() as events:
        project.article("slow.md", title="慢", date="2025-06-27", body="[" * 50_000)
        assert next(line for line in events if line.startswith("data:")) == "data: changed"
        assert "甲" in served.get(PAGE)[1]
        assert "慢" not in served.get(PAGE)[1]


def test_the_gallery_and_the_images_are_served(shared: Served) -> None:
    """/ leads to the gallery; the frame shows the mail with its local image."""
    status, _, headers = shared.get("/")
    assert (status, headers["Location"]) == (307, "/index.html")
    assert 'href="weekly/2025-06-30/preview.html"' in shared.get("/index.html")[1]
    view = shared.get("/weekly/2025-06-30/view.html")[1]
    assert '"../../files/content/image.png"' in view
    status, _, headers = shared.get("/files/content/draft.md")
    assert status == 404
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=_SECONDS)
    connection.request("GET", "/files/content/image.png")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, PNG)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert answer.headers["Content-Security-Policy"].endswith("; sandbox")
    connection.close()


def test_every_page_is_served_with_a_policy(project: Newsroom, served: Served) -> None:
    """Only the reload script may run, by its hash; no other site may frame or read a page."""
    for path in ("/index.html", PAGE, "/weekly/2025-06-30/view.html"):
        status, body, headers = served.get(path)
        policy = headers["Content-Security-Policy"]
        assert status == 200
        assert "default-src 'none'; " in policy
        assert "frame-ancestors 'self'" in policy
        (script,) = re.findall(r"script-src ([^;]*);", policy)
        assert re.fullmatch(r"'sha256-[\w+/]{43}='", script)
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert body.count('http-equiv="Content-Security-Policy"') == 1
    with served.events() as events:
        project.configure("[nonsense]\n")
        assert next(line for line in events if line.startswith("data:")) == "data: changed"
        trouble = served.get(PAGE)[1]
        assert "nonsense" in trouble
        assert html.unescape(trouble).count(script) == 1
    assert "sandbox" in served.get("/no/such/page.html")[2]["Content-Security-Policy"]


def test_nothing_else_is_served(shared: Served) -> None:
    """Only the pages and images that articles can link to; path tricks are refused."""
    for path in (
        "/files/secret.txt",
        "/files/../secret.txt",
        "/files/content/../../secret.txt",
        "/files/%2e%2e/secret.txt",
        "/files/..%2fsecret.txt",
        "/files/content/..%2f..%2fsecret.txt",
        "/files//etc/hostname",
        "/files/%2Fetc%2Fhostname",
        "/files/content/draft.md",
        "/files/broadsheet.toml",
        "/../secret.txt",
        "/../../etc/hostname",
        "/secret.txt",
        "/weekly/files/secret.txt",
        "/weekly/files/../../secret.txt",
        "/no/such/page.html",
    ):
        status, body, _ = shared.get(path)
        assert status == 404, path
        assert "secret" not in body.lower()


def test_a_page_of_another_site_cannot_read_the_previews(shared: Served) -> None:
    """A Host name that only points here (DNS rebinding) is refused with 400."""
    for host, expected in (("evil.example", 400), ("localhost", 200), ("127.0.0.1", 200)):
        status, body, _ = shared.get("/index.html", Host=f"{host}:{shared.port}")
        assert status == expected
        assert ("周报" in body) == (expected == 200)


def test_ctrl_c_ends_it_at_once(served: Served) -> None:
    """Also while a browser waits for events; no traceback, exit 130."""
    with served.events():
        served.process.send_signal(signal.SIGINT)
        _, err = served.process.communicate(timeout=_SECONDS)
    assert served.process.returncode == 130
    assert err.strip() == "broadsheet: stopped; what was published is complete"


def test_a_port_in_use_is_reported(project: Newsroom, shared: Served) -> None:
    """Exit 2, with the port and what to do."""
    ran = project.run("preview", "--serve", "--port", str(shared.port))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"cannot listen on 127.0.0.1, port {shared.port}: Address already in use; "
        "choose another with --port, or end what listens there\n"
    )


def test_serving_writes_nothing(project: Newsroom) -> None:
    """Neither feeds nor previews are written; config errors are reported at once."""
    before = {path for path in stamps(project.folder) if not path.startswith(".broadsheet")}
    with _serving(project) as running:
        assert running.get("/index.html")[0] == 200
    after = {path for path in stamps(project.folder) if not path.startswith(".broadsheet")}
    assert before == after
    project.configure("[nonsense]\n")
    ran = project.run("preview", "--serve", "--port", "0")
    assert (ran.code, ran.out) == (2, "")
    assert "nonsense: unknown key" in ran.err
