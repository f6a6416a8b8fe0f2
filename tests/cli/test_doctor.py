"""`doctor`: what is installed, configured and reachable, and what the DNS says about the sender."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from deliveries import SECRET, post
from keys import dkim_key
from name_server import name_server
from newsroom import Newsroom

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

SENDER = "news.example.org"
GOOD = {
    (SENDER, "TXT"): ['"other"', '"v=spf1 ip4:192.0.2.1 -all"'],
    (SENDER, "MX"): ["10 mx.example.org."],
    ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=quarantine"'],
}


def doctor(newsroom: Newsroom, *args: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and what `doctor` found."""
    ran = newsroom.run("doctor", "--json", *args)
    return ran.code, json.loads(ran.out)


def lines(found: list[dict[str, Any]], area: str) -> list[tuple[str, str]]:
    """Return the states and texts of an area."""
    return [(each["state"], each["what"]) for each in found if each["area"] == area]


def sending(newsroom: Newsroom, more: str = "") -> Newsroom:
    """The newsroom with a sender."""
    newsroom.configure(f'[delivery]\nsender = "News <news@{SENDER}>"\n{more}')
    return newsroom


def of_dns(
    newsroom: Newsroom, records: dict[tuple[str, str], list[str]]
) -> dict[str, tuple[str, str]]:
    """Return the state and the text on each kind of record that the name server has."""
    with name_server(records) as address:
        found = doctor(newsroom, "--name-server", address)[1]
    return {what.partition(":")[0]: (state, what) for state, what in lines(found, "DNS")}


def test_without_mail_nothing_is_asked(newsroom: Newsroom) -> None:
    """A project without [delivery] needs no network, no extra, and has no error."""
    code, found = doctor(newsroom)
    assert code == 0
    assert {each["area"] for each in found} == {"installed", "configured"}
    assert ("ok", "extra delivery (subscribers, deliver, bounces)") in lines(found, "installed")
    assert ("ok", "articles in content/") in lines(found, "configured")
    assert newsroom.run("doctor").out.endswith("0 errors, 0 warnings\n")


def test_a_wrong_config_is_an_error(newsroom: Newsroom, tmp_path: Path) -> None:
    """Each problem, after what is installed; in an empty folder too."""
    newsroom.configure("[feeds]\nentries = 0\nformats = 1\n")
    code, found = doctor(newsroom)
    assert code == 1
    wrong = lines(found, "configured")
    assert [what.split(": ")[1] for _, what in wrong] == ["feeds.entries", "feeds.formats"]
    newsroom.configure('[articles]\nfolders = ["nowhere"]\n')
    (tmp_path / "empty").mkdir()
    assert ("error", "the folder nowhere/ does not exist") in lines(
        doctor(newsroom)[1], "configured"
    )
    ran = Newsroom(tmp_path / "empty").run("doctor")
    assert (ran.code, ran.err) == (1, "")
    assert "run `broadsheet init` to write one" in ran.out


def test_the_mail_server_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session is opened and nothing sent; a server that is down is an error."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as office:
        office.subscribe(1)
        with name_server({}) as address:
            said = lines(doctor(office.newsroom, "--name-server", address)[1], "mail")
            assert said == [("ok", "127.0.0.1 answers, and would take mail")]
            assert office.server.taken() == []
            office.server.stop()
            code, found = doctor(office.newsroom, "--name-server", address)
    assert code == 1
    ((state, what),) = lines(found, "mail")
    assert (state, what.partition(":")[0]) == ("error", "127.0.0.1 cannot be used")


def test_a_missing_secret_is_an_error(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named once, and the rest is looked at all the same."""
    monkeypatch.delenv("BROADSHEET_SECRET", raising=False)
    sending(newsroom, 'service_url = "https://news.example.org/"\n')
    code, found = doctor(newsroom, "--offline")
    assert code == 1
    assert [state for state, what in lines(found, "mail") if "BROADSHEET_SECRET" in what] == [
        "error"
    ]
    assert lines(found, "mail")[-1][0] == "off"
    assert lines(found, "DNS") == []


def test_good_records_are_recognised(newsroom: Newsroom) -> None:
    """SPF at the envelope's domain, DMARC also at the organisational domain."""
    found = of_dns(sending(newsroom), GOOD)
    assert {name: state for name, (state, _) in found.items()} == {
        "SPF": "ok",
        "DKIM": "off",
        "DMARC": "ok",
        "MX": "ok",
    }
    assert found["DMARC"][1] == "DMARC: _dmarc.example.org: v=DMARC1; p=quarantine"


@pytest.mark.parametrize(
    ("name", "kind", "records", "mark", "state", "words"),
    [
        (SENDER, "TXT", [], "SPF", "error", "has no record"),
        (SENDER, "TXT", ['"v=spf10 -all"'], "SPF", "error", "has no record"),
        (SENDER, "TXT", ['"v=spf1 -all"', '"v=spf1 mx -all"'], "SPF", "error", "has 2 records"),
        (SENDER, "TXT", ['"v=spf1 a +all"'], "SPF", "warning", "every server in the world"),
        (SENDER, "TXT", ['"v=spf1 ?all"'], "SPF", "warning", "every server in the world"),
        (SENDER, "TXT", ['"V=SPF1 mx" " ~all"'], "SPF", "ok", "V=SPF1 mx ~all"),
        (SENDER, "TXT", [f'"v=spf1 {"a:x.org " * 11}-all"'], "SPF", "error", "needs 11 lookups"),
        (SENDER, "TXT", [f'"v=spf1 include:{SENDER} -all"'], "SPF", "ok", "include:"),
        (SENDER, "MX", [], "MX", "warning", "receives no mail"),
        (SENDER, "MX", ["0 ."], "MX", "warning", "receives no mail"),
        ("_dmarc.example.org", "TXT", [], "DMARC", "error", "has no record"),
        ("_dmarc.example.org", "TXT", ['"v=DMARC1"'], "DMARC", "error", "no valid policy"),
        ("_dmarc.example.org", "TXT", ['"v=DMARC1; p=none"'], "DMARC", "ok", "p=none"),
        (
            "_dmarc.example.org", "TXT", ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'],
            "DMARC", "error", "has 2 records",
        ),
        (f"_dmarc.{SENDER}", "TXT", ['"v=DMARC1; p=reject"'], "DMARC", "ok", f"_dmarc.{SENDER}"),
    ],
)  # fmt: skip
def test_records_that_receivers_reject_are_found(
    newsroom: Newsroom, name: str, kind: str, records: list[str], mark: str, state: str, words: str
) -> None:
    """Each by itself; the other records stay right."""
    found = of_dns(sending(newsroom), {**GOOD, (name, kind): records})
    assert found[mark][0] == state
    assert words in found[mark][1]
    assert {found[each][0] for each in {"SPF", "DMARC", "MX"} - {mark}} == {"ok"}


def test_lookups_of_included_records_count(newsroom: Newsroom) -> None:
    """Receivers stop at ten in all (RFC 7208, section 4.6.4)."""
    chain = {
        (f"s{n}.example.net", "TXT"): [f'"v=spf1 include:s{n + 1}.example.net mx ~all"']
        for n in range(6)
    }
    records = {**GOOD, **chain, (SENDER, "TXT"): ['"v=spf1 include:s0.example.net -all"']}
    state, what = of_dns(sending(newsroom), records)["SPF"]
    assert (state, "needs 13 lookups" in what) == ("error", True)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_the_key_in_the_dns_is_compared(newsroom: Newsroom, tmp_path: Path, kind: str) -> None:
    """Missing, right, of another key of either kind, revoked, broken."""
    key, record = dkim_key(tmp_path, kind)
    others = [dkim_key(tmp_path, other)[1] for other in ("rsa", "ed25519")]
    newsroom.write("dkim.pem", key)
    sending(newsroom, 'dkim_key = "dkim.pem"\ndkim_selector = "s1"\n')
    name = f"s1._domainkey.{SENDER}"

    def look(text: str) -> tuple[str, str]:
        pieces = " ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200))
        return of_dns(newsroom, {**GOOD, (name, "TXT"): [pieces] if text else []})["DKIM"]

    assert look(record.decode())[0] == "ok"
    wrong = [*(each.decode() for each in others), "v=DKIM1; p=", "v=DKIM1; p=%%%"]
    assert {look(text)[0] for text in wrong} == {"error"}
    assert look("")[0] == "error"


def test_name_servers_that_do_not_answer_are_reported(newsroom: Newsroom) -> None:
    """The records are unknown then, which is a warning."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = lines(doctor(sending(newsroom), "--name-server", f"127.0.0.1:{port}")[1], "DNS")
    assert found == [
        ("warning", f"{SENDER} could not be looked up: the name servers do not answer")
    ]


@pytest.mark.parametrize("name", ["nowhere", "1.2.3.4:x", "1.2.3", "::1]:53:"])
def test_a_name_server_is_an_ip_address(newsroom: Newsroom, name: str) -> None:
    """Exit 2 for anything else."""
    ran = sending(newsroom).run("doctor", "--name-server", name)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"--name-server: {name!r} is not an IP address; write one like")
