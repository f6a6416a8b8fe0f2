"""Which columns are about consent; none that may be is ignored."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery.lists import consent
from broadsheet.delivery.lists.columns import ImportOptions
from broadsheet.delivery.lists.reading import (
    open_list,
)
from broadsheet.errors import ConsentError
from newsroom import Newsroom
from subscriber_lists import TIME, entries, import_file, states, status_of, table


@pytest.mark.parametrize(
    ("heading", "no", "yes", "status"),
    [
        ("unsubscribed", "0", "1", "unsubscribed"),
        ("Unsubscribed", "No", "Yes", "unsubscribed"),
        ("unsubscribed_at", "", TIME, "unsubscribed"),
        ("Unsubscribe Date", "", "5/1/2024", "unsubscribed"),
        ("UNSUBSCRIBED", "FALSCH", "WAHR", "unsubscribed"),
        ("opt_out", "false", "true", "unsubscribed"),
        ("Opted-Out", "n", "Y", "unsubscribed"),
        ("OptOut", "0.0", "1.0", "unsubscribed"),
        ("Email Opt Out", "0", "1", "unsubscribed"),
        ("HasOptedOutOfEmail", "false", "true", "unsubscribed"),
        ("do_not_email", "", "x", "unsubscribed"),
        ("emailBlacklisted", "false", "true", "unsubscribed"),
        ("blocklisted", "0", "1", "unsubscribed"),
        ("deleted_at", "NULL", "2024-05-01T00:00:00Z", "unsubscribed"),
        ("deleted_at", "0000-00-00 00:00:00", "1714550000", "unsubscribed"),
        ("退订", "否", "是", "unsubscribed"),
        ("退订时间", "", "2024年5月1日", "unsubscribed"),
        ("是否退订", "否", "是", "unsubscribed"),
        ("Unsubscribed?", "No", "Yes", "unsubscribed"),
        ("Email subscriber status", "Subscribed", "Unsubscribed", "unsubscribed"),
        ("opt_in", "yes", "no", "unsubscribed"),
        ("subscribed", "true", "false", "unsubscribed"),
        ("Consent", "ja", "nein", "unsubscribed"),
        ("newsletter", "oui", "non", "unsubscribed"),
        ("订阅", "是", "否", "unsubscribed"),
        ("confirmed", "1", "0", "pending"),
        ("confirmed_at", TIME, "", "pending"),
        ("Double Opt-In", "Yes", "No", "pending"),
        ("bounced", "0", "1", "bounced"),
        ("bounced_at", "", TIME, "bounced"),
        ("complained", "false", "true", "complained"),
        ("status", "subscribed", "Unsubscribed", "unsubscribed"),
        ("subscription_status", "active", "opted-out", "unsubscribed"),
        ("状态", "正常", "已退订", "unsubscribed"),
        ("Status", "angemeldet", "abgemeldet", "unsubscribed"),
        ("status", "active", "unconfirmed", "pending"),
        ("status", "active", "cleaned", "bounced"),
    ],
)
def test_the_usual_columns_of_consent_are_understood(
    heading: str, no: str, yes: str, status: str
) -> None:
    """In common languages, as words, flags and times."""
    text = table(f"email,{heading}", f"in@x.org,{no}", f"out@x.org,{yes}")
    found = entries(open_list(text.encode(), "x"))
    assert [line.status for line in found] == ["active", status]


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("mailing active", ["Y", "N"]),
        ("mkt_pref", ["Y", "N"]),
        ("Send newsletter?", ["1", "0"]),
        ("email_ok_to_send", ["1", "0"]),
        ("mailing_ok", ["7", "0"]),
        ("Mail ok?", ["2", "3"]),
        ("newsletter_flag", ["A", "B"]),
        ("send_mails", ["-1", "0"]),
        ("notifications", ["3", "4"]),
        ("Kontakt per Mail", ["E", "N", "K"]),
        ("是否发邮件", ["发", "不发"]),
        ("einverstanden", ["gern", "lieber nicht"]),
        ("unsub_reason", ["", "too many mails"]),
        ("Cancel date", ["", TIME]),
        ("consent_version", ["", "v2"]),
        ("last_bounce", ["", "550 no such user"]),
        ("Kind", ["reader", "Unsubscribed"]),
        ("x", ["unsubscribed", "bounced"]),
        ("类型", ["读者", "已退订"]),
        ("status", ["1", "2"]),
        ("unsubscribed", ["A", "B"]),
        ("newsletters", ["yes", "no"]),
        ("是否接收", ["是", "否"]),
        ("拒收", ["甲", "乙"]),
        ("Frequency", ["weekly", "never"]),
        ("unsubscribe_source", ["", "form"]),
        ("hard bounces", ["0", "3"]),
        ("Type", ["regular", "removed"]),
        ("Abmeldegrund", ["", "zu viel"]),
        ("désabonnement", ["", "trop"]),
    ],
)
def test_an_unclear_consent_column_stops_the_import(heading: str, values: Sequence[str]) -> None:
    """By its name or its values; the message names the options."""
    rows = [f"r{i}@x.org,{value}" for i, value in enumerate(values)]
    data = table(f"email,{heading}", *rows).encode()
    with pytest.raises(ConsentError) as raised:
        open_list(data, "list.csv")
    assert str(raised.value).startswith("list.csv:1: ")
    assert f'--column "{heading}=ignore"' in str(raised.value)
    listed = open_list(data, "list.csv", ImportOptions.parse([f"{heading}=ignore"], (), None))
    assert {line.status for line in entries(listed)} == {"active"}
    assert listed.columns.ignored == [heading]


def test_one_run_reports_every_unclear_column(desk: Newsroom) -> None:
    """All are named in one run, and no one is imported."""
    ran = import_file(desk, "email,active,kind\na@x.org,Y,bounced\n")
    assert ran.code == 1
    assert ran.err.count("list.csv:1: column") == 2
    assert states(desk) == {}


@pytest.mark.parametrize(
    "column",
    [
        ("created_at", ["2024-01-01", ""]),
        ("Date Subscribed", [TIME, "5/1/2024"]),
        ("subscription_id", ["s1", ""]),
        ("Opt-in method", ["Single opt-in", "Double opt-in"]),
        ("optin_ip", ["192.0.2.1", ""]),
        ("unsubscribe_url", ["https://x.org/u/1", "https://x.org/u/2"]),
        ("tags", ["vip", "press"]),
        ("vip", ["yes", "no"]),
        ("Preferred language of speech", ["en", "de"]),
        ("Street", ["Hauptstr. 1", "Bounce Road 2"]),
        ("opens", ["12", "0"]),
        ("emails_received", ["12", "0"]),
        ("Number of mails", ["3", "5"]),
        ("email_format", ["H", "T"]),
        ("mail client", ["Outlook", "Gmail"]),
        ("note", ["met in Ulm", "asked never to be called"]),
    ],
)
def test_other_columns_are_only_listed(column: tuple[str, Sequence[str]]) -> None:
    """Times that everyone has, ids, details and free text do not stop the import."""
    heading, values = column
    rows = [f"r{i}@x.org,{value}" for i, value in enumerate(values)]
    listed = open_list(table(f"email,{heading}", *rows).encode(), "list.csv")
    assert listed.columns.ignored == [heading]
    assert {line.status for line in entries(listed)} == {"active"}


def test_a_state_beside_a_city_is_a_place(desk: Newsroom) -> None:
    """Unless it says who is subscribed."""
    assert import_file(desk, "email,city,state\na@x.org,Boston,MA\n").code == 0
    assert import_file(desk, "email,city,state\nb@x.org,Boston,bounced\n").code == 0
    assert states(desk) == {"a": "active", "b": "bounced"}


def test_the_user_can_define_a_column(desk: Newsroom) -> None:
    """As a field or as a kind of consent, whatever the case of the heading."""
    text = "Wohin,Wer,Mailing active\na@x.org,Ann,Y\nb@x.org,Bob,N\n"
    flags = ("Wohin=address", "wer=name", "MAILING ACTIVE=opted-in")
    ran = import_file(desk, text, *(part for flag in flags for part in ("--column", flag)))
    assert (ran.code, ran.err) == (0, "")
    assert states(desk) == {"a": "active", "b": "unsubscribed"}
    assert json.loads(desk.run("subscribers", "list", "--json").out)[0]["name"] == "Ann"


def test_the_user_can_define_a_value(desk: Newsroom) -> None:
    """The value of an empty cell, too."""
    text = "email,status\na@x.org,1\nb@x.org,2\nc@x.org,\n"
    flags = ("--status", "1=active", "--status", "2=unsubscribed", "--status", "=pending")
    assert import_file(desk, text, *flags).code == 0
    assert states(desk) == {"a": "active", "b": "unsubscribed", "c": "pending"}


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (("--column", "nope=ignore"), "no column is called 'nope'; the columns are: email"),
        (("--column", "email=what"), "--column: 'email=what'; write NAME=WHAT, with one of"),
        (("--status", "x=what"), "--status: 'x=what'; write NAME=WHAT, with one of"),
        (("--encoding", "klingon"), "unknown encoding 'klingon'"),
    ],
)
def test_an_invalid_option_is_a_usage_error(
    desk: Newsroom, flags: Sequence[str], what: str
) -> None:
    """Exit code 2, and the message lists the valid ones."""
    ran = import_file(desk, "email\na@x.org\n", *flags)
    assert ran.code == 2
    assert what in ran.err


@pytest.mark.parametrize(
    "name",
    [
        "unsubscribed_members_export_0e633f6c70.csv",
        "cleaned_email_audience_export_1a10653875.csv",
        "my-list-unsubscribed.csv",
        "suppression list.csv",
        "bounces-2024.csv",
        "退订名单.csv",
        "Blocklist.csv",
    ],
)
def test_a_list_of_opt_outs_does_not_become_a_list_of_subscribers(name: str) -> None:
    """If only the file's name says so, the import asks."""
    with pytest.raises(ConsentError, match="add --as unsubscribed"):
        open_list(b"email\na@x.org\n", name)
    given = ImportOptions(status="unsubscribed")
    (line,) = entries(open_list(b"email\na@x.org\n", name, given))
    assert line.status == "unsubscribed"


@pytest.mark.parametrize(
    ("start", "status"),
    [("unsubscribed", "unsubscribed"), ("cleaned", "bounced"), ("nonsubscribed", "pending")],
)
def test_mailchimp_has_a_file_for_each_state(start: str, status: str) -> None:
    """The file's name counts if the columns that say so were removed."""
    text = "Email Address,MEMBER_RATING,OPTIN_TIME\na@x.org,2,2024-05-01 09:30:00\n"
    name = f"{start}_email_audience_export_1a10653875.csv"
    assert [line.status for line in entries(open_list(text.encode(), name))] == [status]


def test_an_opt_out_reason_is_an_opt_out(desk: Newsroom) -> None:
    """If the column of its time was removed from an export."""
    ran = import_file(desk, "Email Address,LEID,EUID,UNSUB_REASON\na@x.org,1,e1,NORMAL\n")
    assert ran.code == 1
    assert "'UNSUB_REASON' may say who must not be mailed" in ran.err


def test_as_does_not_override_an_opt_out_of_a_line(desk: Newsroom) -> None:
    """The stricter of the two counts."""
    text = "email,status\na@x.org,active\nb@x.org,unsubscribed\n"
    assert import_file(desk, text, "--as", "active").code == 0
    assert states(desk) == {"a": "active", "b": "unsubscribed"}


def test_an_opt_out_in_one_of_two_columns_counts() -> None:
    """Even if the other is not understood, or says that the reader is subscribed."""
    assert status_of("status,unsubscribed_at", "active,2024-05-01") == "unsubscribed"
    assert status_of("subscribed,bounced,complained", "yes,yes,yes") == "complained"
    assert status_of("status,opt_out", "active,no") == "active"


OUT = sorted(word for word, status in consent.STATUS_WORDS.items() if status != "active")


@pytest.mark.parametrize("heading", ["status", "类别", "Opt-Out", "subscribed", "list_member"])
@given(st.sampled_from(OUT), st.sampled_from([str.lower, str.upper, str.title]))
def test_no_word_of_an_opt_out_becomes_active(
    heading: str, word: str, case: Callable[[str], str]
) -> None:
    """In a column of any name, it is understood or the import stops."""
    with suppress(ConsentError):
        assert status_of(heading, f'"{case(word)}"') != "active"
