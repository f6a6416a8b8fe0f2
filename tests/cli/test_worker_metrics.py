"""What a worker tells the machines that watch it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from urllib.error import HTTPError

import pytest

from deliveries import Post
from postgresql import PostgreSQL, on_postgres
from processes import until

pytest.importorskip("procrastinate")
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_worker_has_metrics_probes_and_a_json_log(office: Post, postgres: PostgreSQL) -> None:
    """The counts of the ledger, which grow while it sends; it stops as before."""
    there = on_postgres(office, postgres)
    there.configure(database=there.url)
    there.subscribe(30)
    there.deliver("--limit", "1")
    command = [sys.executable, "-m", "broadsheet", "-C", str(there.newsroom.folder), "worker"]
    with subprocess.Popen(
        [*command, "--metrics", "0", "--log-format", "json"],
        stderr=subprocess.PIPE,
        bufsize=0,  # `communicate` would lose what `readline` has read ahead
        env={**os.environ},
    ) as worker:
        assert worker.stderr is not None
        first = json.loads(worker.stderr.readline())
        port = int(re.findall(r"metrics on port (\d+)", first["message"])[0])
        assert get(port, "/livez") == (200, "ok\n")
        assert get(port, "/readyz") == (200, "ok\n")
        until(lambda: there.states() == {"sent": 30}, 60)
        found = get(port, "/metrics")[1]
        assert 'broadsheet_subscribers{status="active"} 30' in found
        assert 'broadsheet_subscribers{status="complained"} 0' in found
        assert re.search(r'broadsheet_deliveries\{.*state="sent"\} \d+', found)
        worker.terminate()
        rest = worker.communicate(timeout=30)[1].decode().splitlines()
    assert worker.returncode == 0
    told = [json.loads(line)["message"] for line in rest]
    assert told[0].startswith("Broadsheet ")
    assert told[1].startswith("delivered weekly/")
    assert told[-1] == "stopped by SIGTERM"
