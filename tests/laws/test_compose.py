"""packaging/scale: the commands exist, the services work together, and the alerts of its page."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import click
import pytest
import yaml

from broadsheet.cli import broadsheet
from deliveries import Post
from newsroom import ROOT, Newsroom
from postgresql import PostgreSQL
from processes import until

FOLDER = ROOT / "packaging" / "scale"
FILE = FOLDER / "compose.yaml"
SITE = FOLDER / "site"
PAGE = ROOT / "docs" / "sending-to-a-million.md"
SECRET = {"BROADSHEET_SECRET": "a secret of the test"}
IMAGES = ("broadsheet", "postgres:16", "axllent/mailpit:latest")
Services = dict[str, dict[str, Any]]
SERVICES: Services = yaml.safe_load(FILE.read_text())["services"]
FOR_REAL_MAIL: Services = yaml.safe_load((FOLDER / "production.yaml").read_text())["services"]


def commands() -> list[list[str]]:
    """Return the arguments of each run of `broadsheet`, without `-C /site`."""
    found = []
    for service in (*SERVICES.values(), *FOR_REAL_MAIL.values()):
        entry, command = service.get("entrypoint", []), service.get("command", [])
        if entry[:1] == ["broadsheet"]:
            found.append([*entry[3:], *command])
        elif entry == ["sh", "-c"]:
            found += [run.split() for run in re.findall(r"broadsheet -C /site (.+)", command[0])]
    return found


def test_the_services_are_those_of_the_issue() -> None:
    """A database, two workers, the web service, and a mail catcher that passes nothing on."""
    assert {"database", "mail", "serve", "worker-1", "worker-2", "issues"} == SERVICES.keys()
    assert SERVICES["worker-1"]["command"] == SERVICES["worker-2"]["command"]
    assert all(
        port.startswith("127.0.0.1:")
        for service in SERVICES.values()
        for port in service.get("ports", [])
    )


def test_the_services_for_real_mail_are_the_same() -> None:
    """Without a database and a mail catcher; any number of workers, and nothing public."""
    assert {"serve", "worker", "issues"} == FOR_REAL_MAIL.keys()
    for name, other in {"worker": "worker-1", "issues": "issues"}.items():
        assert FOR_REAL_MAIL[name]["command"] == SERVICES[other]["command"]
    serve = FOR_REAL_MAIL["serve"]
    assert serve["healthcheck"]["test"] == SERVICES["serve"]["healthcheck"]["test"]
    assert all(port.startswith("127.0.0.1:") for port in serve["ports"])
    assert "ports" not in FOR_REAL_MAIL["worker"]


def test_the_alerts_use_the_functions_of_their_metrics() -> None:
    """`rate` and `increase` take a smaller value for a restart, so they are for counters only."""
    block = re.search(r"```yaml\n(.+?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    rules = yaml.safe_load(block[1])["groups"][0]["rules"]
    assert all({"alert", "expr", "annotations"} <= rule.keys() for rule in rules)
    used = re.findall(r"(\w+)\((broadsheet_\w+)(?:\{[^}]*\})?\[", "".join(map(str, rules)))
    assert {function for function, _ in used} == {"rate", "increase", "delta"}
    for function, metric in used:
        assert metric.endswith("_total") == (function != "delta")
    known = (ROOT / "docs" / "service.md").read_text()
    assert all(f"`{each}`" in known for each in re.findall(r"broadsheet_\w+", block[1]))


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_every_command_exists_with_its_options(arguments: list[str]) -> None:
    """As the command line of this version reads them."""
    name, *options = arguments
    context = click.Context(broadsheet, **broadsheet.context_settings)
    command = broadsheet.get_command(context, name)
    assert command is not None
    command.make_parser(click.Context(command, context)).parse_args(options)


def test_all_commands_are_checked() -> None:
    """The test above would not fail for a command that it does not see."""
    assert [each[0] for each in commands()] == [
        *("serve", "worker", "worker", "build", "digest", "deliver"),
        *("serve", "worker", "build", "digest", "deliver"),
    ]


def test_its_site_makes_an_issue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config is valid, and the first mail can be sent."""
    shutil.copytree(SITE, tmp_path / "site")
    newsroom = Newsroom(tmp_path / "site")
    monkeypatch.setenv("BROADSHEET_SECRET", "a secret of the test")
    config = newsroom.folder / "broadsheet.toml"
    database = '"postgresql+psycopg://broadsheet@database/broadsheet"'
    assert database in config.read_text()
    config.write_text(config.read_text().replace(database, '"sqlite:///news.db"'))
    newsroom.write("articles/new.md", "---\ntitle: New\ndate: 2025-06-30T00:58:00Z\n---\nText.\n")
    for command in ("check", "build", "digest"):
        ran = newsroom.run(command)  # at 01:00 UTC
        assert ran.code == 0, ran.err
    assert (newsroom.folder / "feeds/digests/demo/2025-06-30-0100/message.eml").exists()


@pytest.fixture
def compose() -> list[str]:
    """The command of Docker Compose, by whichever version there is."""
    for tool in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(tool[0]) and not run([*tool, "version"]).returncode:
            return [*tool, "-p", "broadsheet-test"]
    pytest.skip("needs Docker Compose")


def run(command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end."""
    given = {**os.environ, **environment}
    return subprocess.run(command, env=given, capture_output=True, check=False)


@pytest.mark.long
@pytest.mark.parametrize("name", ["compose.yaml", "production.yaml"])
def test_docker_compose_accepts_it(name: str, tmp_path: Path, compose: list[str]) -> None:
    """The whole file, with an `.env` beside it, which is asked for."""
    compose += ["-f", shutil.copy(FOLDER / name, tmp_path), "config"]
    env = "BROADSHEET_SECRET=a secret\nBROADSHEET_USER=1000:1000\nSITE=/srv/news\nPGPASSWORD=pass\n"
    (tmp_path / ".env").write_text(env)
    ran = run(compose)
    assert ran.returncode == 0, ran.stderr
    services = yaml.safe_load(ran.stdout)["services"]
    for service in ("serve", "issues"):
        assert services[service]["environment"]["BROADSHEET_SECRET"] == "a secret"
        assert services[service]["environment"]["PGPASSWORD"] == "pass"
    (tmp_path / ".env").unlink()
    ran = run(compose)
    assert ran.returncode
    assert b".env" in ran.stderr


@pytest.mark.nightly
@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_its_containers_send_an_article_to_a_subscriber(tmp_path: Path, compose: list[str]) -> None:
    """Started by one command, from the images that are on this machine."""
    if missing := [image for image in IMAGES if run(["docker", "inspect", image]).returncode]:
        pytest.skip(f"needs Docker with {', '.join(missing)}")
    site = Newsroom(shutil.copytree(SITE, tmp_path / "site"))
    site.write("articles/new.md", ARTICLE)
    now = {"services": {"issues": {"environment": {"SOURCE_DATE_EPOCH": JUST_AFTER_THE_ISSUE}}}}
    (tmp_path / "now.yaml").write_text(yaml.safe_dump(now))
    compose += ["-f", str(FILE), "-f", str(tmp_path / "now.yaml")]
    owner = (tmp_path / "site").stat()
    user = f"{owner.st_uid or 1000}:{owner.st_gid or 1000}"
    if not owner.st_uid:  # a container's user is never root
        assert run(["chown", "-R", user, str(site.folder)]).returncode == 0
    given = {**SECRET, "SITE": str(site.folder), "BROADSHEET_USER": user}
    try:
        assert run([*compose, "up", "-d", "serve"], **given).returncode == 0
        until(lambda: answers("http://127.0.0.1:8025/readyz"), 60)
        add = (
            f"exec -T -e SOURCE_DATE_EPOCH={JUST_AFTER_THE_ISSUE} serve "
            "broadsheet -C /site subscribers add reader@example.org"
        )
        assert run([*compose, *add.split()], **given).returncode == 0
        assert run([*compose, "up", "-d"], **given).returncode == 0
        caught = "http://127.0.0.1:8026/api/v1/messages"
        until(lambda: answers(caught).get("total"), 60)
        assert answers(caught)["total"] == 1
    finally:
        run([*compose, "down", "--volumes"], **given)


def answers(url: str) -> dict[str, Any]:
    """Return the JSON at `url`, `{"text": ...}` for a text; empty without an answer."""
    with suppress(OSError), urlopen(url, timeout=5) as response:
        text = response.read().decode()
        return json.loads(text) if text.startswith("{") else {"text": text}
    return {}


ARTICLE = "---\ntitle: New\ndate: 2025-06-30T00:58:00Z\n---\nText.\n"
JUST_AFTER_THE_ISSUE = "1751245230"  # 01:00:30 UTC


@contextmanager
def running(name: str, here: Mapping[str, str], *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service as a process, and stop it as Docker does, which signals the first process only.

    here: what to write for the paths and ports of its container. more: arguments.
    """
    service = SERVICES[name]
    command = as_here([*service["entrypoint"], *service["command"], *more], here)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SOURCE_DATE_EPOCH": JUST_AFTER_THE_ISSUE,
    }
    assert service["environment"].keys() == {"BROADSHEET_SECRET", "PGPASSWORD"}
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            else:
                pytest.fail(f"{name} left a process behind")


def as_here(command: list[str], here: Mapping[str, str]) -> list[str]:
    """Return `command` as it is run outside of its container."""
    command = [word.replace("$$", "$") for word in command]  # as Compose does
    for there, name in here.items():
        command = [word.replace(there, name) for word in command]
    return command


def free_port() -> str:
    """Return a port that no one listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.mark.long
@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_its_services_send_an_article_to_a_subscriber(
    tmp_path: Path, office: Post, postgres: PostgreSQL
) -> None:
    """As processes of this machine: `serve` is healthy by its own check, and the mail of the issue
    that the job makes arrives once."""
    postgres.empty()
    site = Newsroom(shutil.copytree(SITE, tmp_path / "site"))
    here = {"/site": str(site.folder), "8025": free_port(), "9125": free_port()}
    config = (site.folder / "broadsheet.toml").read_text()
    for there, name in {
        "postgresql+psycopg://broadsheet@database/broadsheet": postgres.url,
        "127.0.0.1:1025": f"127.0.0.1:{office.server.port}",
    }.items():
        assert there in config
        config = config.replace(there, name)
    (site.folder / "broadsheet.toml").write_text(config)
    site.write("articles/new.md", ARTICLE)
    assert site.run("subscribers", "add", "reader@example.org").code == 0
    with (
        running("serve", here, "--port", "8025"),
        running("worker-1", here) as worker,
        running("worker-2", here),
        running("issues", here) as issues,
    ):
        check = as_here(SERVICES["serve"]["healthcheck"]["test"][1:], here)
        until(lambda: subprocess.run(check, capture_output=True, check=False).returncode == 0, 60)
        office.server.wait_for(1, 60)
        assert worker.poll() is None
    assert worker.returncode == issues.returncode == 0
    assert office.received() == {"reader@example.org": 1}
