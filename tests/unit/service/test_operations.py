"""Metrics, probes and the log, for the machines that watch a service."""

from __future__ import annotations

import json
import logging
import os
import re
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest

import hooks
from broadsheet.delivery.logs import JsonFormatter
from broadsheet.delivery.metrics import (
    Metric,
    Metrics,
    ledger_metrics,
    listening_address,
    serving_metrics,
)
from broadsheet.errors import DatabaseError, Problem, UsageError
from newsroom import Newsroom
from reader_service import CONFIG, office, served

SAMPLE = re.compile(
    r'(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? (?P<value>[\d.e+]+)'
)


def samples(text: str) -> dict[str, float]:
    """Return each line of the text format that is a sample; fail if a line is neither."""
    found = {}
    for line in text.splitlines():
        if not re.fullmatch(r"# (?:HELP|TYPE) [a-z_]+ .+", line):
            match = SAMPLE.fullmatch(line)
            assert match, line
            found[line.rpartition(" ")[0]] = float(match["value"])
    return found


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_label_can_have_any_text() -> None:
    """Quotes, backslashes and line ends are escaped as the format requires."""
    metric = Metric("broadsheet_x", "A test.", ("name",))
    metric.add(2, 'a"b\\c\nd')
    metric.add(0.5, 'a"b\\c\nd')
    assert list(metric.lines())[2:] == [r'broadsheet_x{name="a\"b\\c\nd"} 2.5']
    assert list(Metric("broadsheet_y", "A test.").lines())[2:] == ["broadsheet_y 0"]


def test_the_service_counts_requests_and_reports(tmp_path: Path) -> None:
    """By page, never by a path that contains a token or that a stranger made up."""
    with office(tmp_path, environment=hooks.ENVIRONMENT) as desk:
        mark = desk.mark(desk.subscriber())
        desk.subscriber("ben@example.com")
        desk.web.get(f"/unsubscribe/{mark}")
        desk.web.get("/no/such/page")
        headers, body = hooks.resend(hooks.COMPLAINTS["resend"])
        desk.web.post("/hooks/resend", headers=headers, content=body)
        desk.service.metrics.collectors.append(ledger_metrics(desk.service.store.counts))
        found = samples(desk.service.metrics.text())
    assert found['broadsheet_requests_total{page="unsubscribe",status="200"}'] == 1
    assert found['broadsheet_requests_total{page="other",status="404"}'] == 1
    assert found['broadsheet_webhook_reports_total{provider="resend",outcome="ended"}'] == 1
    assert found['broadsheet_webhook_reports_total{provider="resend",outcome="unknown"}'] == 0
    assert found['broadsheet_subscribers{status="active"}'] == 1
    assert found['broadsheet_subscribers{status="complained"}'] == 1
    assert found["broadsheet_issues_unfinished"] == 0
    assert not any(mark in name or "no/such" in name for name in found)


@pytest.mark.enable_socket
def test_probes_tell_the_process_from_its_database() -> None:
    """A process without its database is alive, but gets no requests."""
    working = True

    def check() -> None:
        if not working:
            raise DatabaseError(Problem("gone"))

    metrics = Metrics()
    metrics.counter("broadsheet_mails_total", "Mails.", "outcome").add(3, "sent")
    with serving_metrics(("127.0.0.1", 0), metrics, check) as port:
        assert samples(get(port, "/metrics")[1])['broadsheet_mails_total{outcome="sent"}'] == 3
        assert get(port, "/readyz") == (200, "ok\n")
        working = False
        assert get(port, "/readyz")[0] == 503
        assert get(port, "/livez") == (200, "ok\n")
        assert get(port, "/")[0] == 404
        with pytest.raises(UsageError, match="cannot listen"):
            serving_metrics(("127.0.0.1", port), metrics, check).__enter__()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9125", ("127.0.0.1", 9125)),
        ("0.0.0.0:9125", ("0.0.0.0", 9125)),
        ("[::1]:9125", ("::1", 9125)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_metrics_are_for_this_machine_unless_a_host_is_given(
    text: str, address: tuple[str, int]
) -> None:
    """They are not public by default."""
    assert listening_address(text) == address


@pytest.mark.parametrize("text", ["", "x", "localhost", "1:2:x", "99999", "-1", "localhost:١"])
def test_an_invalid_address_is_a_usage_error(text: str) -> None:
    """The message says what to write."""
    with pytest.raises(UsageError, match="HOST:PORT"):
        listening_address(text)


@pytest.mark.enable_socket
def test_serve_has_metrics_and_a_json_log(newsroom: Newsroom) -> None:
    """On a port of their own: the public one has no metrics."""
    newsroom.configure(CONFIG % 1)
    newsroom.run("subscribers", "add", "ann@example.com")
    options = ("--metrics", "0", "--log-format", "json", "--verbose")
    with served(newsroom, *options) as (port, process):
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        (at,) = re.findall(r"metrics on port (\d+)", line)
        assert get(port, "/metrics")[0] == 404
        assert get(port, "/livez") == (200, "ok\n")
        found = samples(get(int(at), "/metrics")[1])
        assert found['broadsheet_subscribers{status="active"}'] == 1
        process.terminate()
        lines = process.communicate(timeout=20)[1].decode().splitlines()
    entries = [json.loads(line) for line in lines]
    (request,) = [each for each in entries if each.get("path") == "/livez"]
    assert {"time", "level", "logger", "message", "method", "status", "ms"} <= request.keys()
    assert (request["level"], request["status"]) == ("info", 200)


def test_a_line_of_the_log_is_one_json_object() -> None:
    """Whatever the message has in it."""
    formatter = JsonFormatter()
    record = logging.makeLogRecord({"msg": 'two\nlines, "quoted", 中文 \x1b', "levelname": "INFO"})
    line = formatter.format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == 'two\nlines, "quoted", 中文 \x1b'
    assert "中文" in line
    assert os.linesep not in line
