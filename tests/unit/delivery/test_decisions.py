"""What delivery decides, with the time and the dice in hand: pace, waits, brakes, which issues."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery.choosing import choose
from broadsheet.delivery.environment import Secrets, server
from broadsheet.delivery.pacing import (
    HORIZON,
    LONGEST_WAIT,
    Brake,
    after,
    next_doubt,
    next_try,
    slots,
)
from broadsheet.digests.issue import Issue
from broadsheet.errors import ConfigError
from broadsheet.model.settings import DeliverySettings
from broadsheet.model.values import SmtpUrl
from newsroom import MOMENT

RATES = st.floats(0.1, 5000)


@given(RATES, st.integers(1, 8), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_no_two_moments_are_nearer_than_the_rate_allows(
    rate: float, wanted: int, pauses: list[float]
) -> None:
    """However many ask, and however long they were away."""
    next_at, now = 0.0, 1e9
    taken: list[float] = []
    for pause in pauses:
        now += pause
        booked = slots(next_at, now, rate, wanted)
        assert all(now <= moment <= now + HORIZON for moment in booked.moments)
        assert len(booked.moments) == wanted or booked.wait > 0
        next_at = after(booked.moments, next_at, rate)
        taken += booked.moments
    assert all(later - first >= 1 / rate - 1e-6 for first, later in pairwise(taken))


@given(RATES)
def test_waiting_as_long_as_it_is_said_is_enough(rate: float) -> None:
    """Then there is a moment."""
    booked = slots(1e9 + 20 / rate, 1e9, rate, 1)
    if not booked.moments:
        assert slots(1e9 + 20 / rate, 1e9 + booked.wait + 1e-6, rate, 1).moments


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    """A moment that nobody can have booked is none."""
    assert slots(2e9, 1e9, 50, 1).moments == (1e9,)


def test_waits_grow_and_differ() -> None:
    """About twice as long each time, up to some hours, and never the same for all."""
    for attempts in range(1, 40):
        low, high = (next_try(MOMENT, attempts, 300, lambda d=dice: d) for dice in (0.0, 0.999))  # type: ignore[misc]
        middle = min(300 * 2.0 ** (attempts - 1), LONGEST_WAIT)
        assert (low - MOMENT).total_seconds() == pytest.approx(middle * 0.8)
        assert (high - MOMENT).total_seconds() == pytest.approx(middle * 1.2, rel=0.01)


def test_what_may_have_arrived_is_not_sent_again_and_again() -> None:
    """A server that never confirms costs a reader a handful of copies in four days, not twenty."""
    now, copies = MOMENT, 1
    while now < MOMENT + timedelta(days=4):
        now = next_doubt(now, copies, 300, lambda: 0.5)
        copies += 1
    assert copies <= 10
    assert next_doubt(MOMENT, 40, 300, lambda: 0.999) - MOMENT < timedelta(days=1)


def test_the_brake_grows_and_lets_go() -> None:
    """What comes together counts once; a mail that is taken frees the road."""
    brake = Brake(lambda: 0.5)
    pauses, now = [], 0.0
    for _ in range(12):
        brake.slow(now)
        brake.slow(now)
        pauses.append(brake.free_at - now)
        now = brake.free_at
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(pauses) == 60.0
    assert brake.rounds == 12
    brake.release()
    assert brake.rounds == 0


def _issue(days: float) -> Issue:
    tick = MOMENT - timedelta(days=days)
    return Issue("weekly", f"{tick:%Y-%m-%d-%H}", 1, tick, tick, ())


def _chosen(issued: list[Issue], *begun: Issue, now: datetime = MOMENT) -> list[Issue]:
    done = [(issue.key, issue.tick) for issue in begun]
    return list(choose(issued, done, now, 7).issues)


def test_a_digest_that_was_never_delivered_sends_its_newest_issue_only() -> None:
    """However many there are, and none that is old."""
    issues = [_issue(days) for days in (21, 14, 6, 1)]
    assert _chosen(issues) == [issues[-1]]
    found = choose(issues, [], MOMENT, 7)
    assert [issue for issue, _ in found.left] == issues[:-1]
    assert _chosen([_issue(8)]) == []


def test_after_that_each_new_issue_is_sent_once() -> None:
    """In their order; nothing that is older than what was sent."""
    old, first, second, third = (_issue(days) for days in (6, 5, 3, 1))
    assert _chosen([third, old, first, second], first) == [second, third]
    assert _chosen([first, second, third], first, second, third) == []


def test_an_issue_of_the_future_waits() -> None:
    """With --now in the past it has not come yet."""
    assert _chosen([_issue(1)], now=MOMENT - timedelta(days=3)) == []


@pytest.mark.parametrize(
    ("text", "host", "port", "tls"),
    [
        ("smtp://localhost:25", "localhost", 25, False),
        ("smtp://mail.example.org:587/", "mail.example.org", 587, False),
        ("smtps://mail.example.org", "mail.example.org", 465, True),
        ("smtp://[::1]:2525", "::1", 2525, False),
    ],
)
def test_a_mail_server_is_named_by_its_address(text: str, host: str, port: int, tls: bool) -> None:
    """With the usual ports."""
    url = SmtpUrl(text)
    assert (url.host, url.port, url.tls) == (host, port, tls)


@pytest.mark.parametrize(
    "text",
    ["localhost:25", "http://x", "smtp://", "smtp://h:99999", "smtp://u:hunter2@h", "smtp://h/x"],
)
def test_what_names_no_server_is_refused(text: str) -> None:
    """And a password is not repeated."""
    with pytest.raises(ValueError, match=r"smtp://|SMTP_USER") as caught:
        SmtpUrl(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "fine"), [("localhost", True), ("127.0.0.1", True), ("[::1]", True), ("a.org", False)]
)
def test_mail_crosses_no_network_in_the_clear(host: str, fine: bool) -> None:
    """`never` is for this machine."""
    settings = DeliverySettings(smtp=SmtpUrl(f"smtp://{host}"), starttls="never")
    if fine:
        assert server(settings, Secrets()).here
    else:
        with pytest.raises(ConfigError, match="only for a server on this machine"):
            server(settings, Secrets())


def test_secrets_are_in_no_repr() -> None:
    """Whatever prints an object of ours prints no password."""
    secrets = Secrets.read(
        {
            "BROADSHEET_SMTP_USER": "me",
            "BROADSHEET_SMTP_PASSWORD": "hunter2",
            "BROADSHEET_SECRET": "hunter2hunter2hunter2",
        }
    )
    made = server(DeliverySettings(), secrets)
    assert made.password == "hunter2"
    assert "hunter2" not in repr((secrets, made))
