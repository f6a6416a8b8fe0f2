"""Lists from elsewhere: whoever opted out there gets no mail here, whatever the file looks like."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery import database, subscribers
from broadsheet.delivery.addresses import AddressError, address_key, checked_address
from broadsheet.delivery.lists import consent
from broadsheet.delivery.lists.encodings import decode_text
from broadsheet.delivery.lists.importing import BATCH_LINES
from broadsheet.delivery.lists.reading import (
    ListedSubscriber,
    SubscriberList,
    open_list,
    read_rows,
)
from broadsheet.delivery.lists.services import services
from broadsheet.errors import ConsentError, Problem, UsageError
from deliveries import until
from newsroom import MOMENT, Newsroom

DIGEST = '[digests.weekly]\ntitle = "周报"\n'
TIME = "2024-05-01 09:30:00"


@pytest.fixture
def desk(newsroom: Newsroom) -> Newsroom:
    """A newsroom with one digest."""
    newsroom.configure(DIGEST)
    return newsroom


def _import(desk: Newsroom, data: str | bytes, *args: str, name: str = "list.csv") -> Any:
    return desk.run("subscribers", "import", str(desk.write(name, data)), *args)


def _states(desk: Newsroom) -> dict[str, str]:
    """The status of everyone, by the part of the address before the at sign."""
    ran = desk.run("subscribers", "list", "--json")
    return {one["address"].partition("@")[0]: one["status"] for one in json.loads(ran.out)}


def _table(headings: str, *rows: str) -> str:
    return "\n".join((headings, *rows, ""))


GHOST = (
    "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,"
    "deleted_at,labels,tiers"
)
MAILCHIMP = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,"
    "LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,"
)
AT = f"2,{TIME},,{TIME},192.0.2.1,,,,,,,"
BUTTONDOWN = (
    "id,secondary_id,email,notes,subscriber_type,referrer_url,creation_date,subscription_date,"
    "unsubscription_date"
)
EXPORTS: dict[str, tuple[str, dict[str, str]]] = {
    "Ghost": (
        _table(
            GHOST,
            "1,in@x.org,G,,true,false,,2024-01-01T00:00:00.000Z,,,",
            "2,out@x.org,N,,false,false,,2024-01-01T00:00:00.000Z,,,",
            "3,gone@x.org,D,,true,true,,2024-01-01T00:00:00.000Z,2024-02-01T00:00:00.000Z,vip,",
        ),
        {"in": "active", "out": "unsubscribed", "gone": "unsubscribed"},
    ),
    "Substack": (
        _table(
            "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at",
            "free@x.org,false,,other,false,2025-01-01,",
            "paid@x.org,true,2026-01-01,yearly,false,2025-01-01,2025-06-01",
            "out@x.org,true,2026-01-01,monthly,true,2025-01-01,2025-06-01",
        ),
        {"free": "active", "paid": "active", "out": "unsubscribed"},
    ),
    "Buttondown": (
        _table(
            BUTTONDOWN,
            "1,1,in@x.org,,regular,,2024-01-01,2024-01-05,",
            "2,2,paid@x.org,,premium,,2024-01-01,2024-01-05,",
            "3,3,out@x.org,,unsubscribed,,2024-01-01,,2024-05-01",
            "4,4,bad@x.org,,undeliverable,,2024-01-01,,",
            "5,5,new@x.org,,unactivated,,2024-01-01,,",
            "6,6,angry@x.org,,complained,,2024-01-01,,",
            "7,7,banned@x.org,,removed,,2024-01-01,,",
        ),
        {
            "in": "active",
            "paid": "active",
            "out": "unsubscribed",
            "bad": "bounced",
            "new": "pending",
            "angry": "complained",
            "banned": "unsubscribed",
        },
    ),
    "Mailchimp": (
        _table(
            f"{MAILCHIMP}UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,"
            "UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS",
            f"out@x.org,Ann,Lee,{AT},{TIME},May,ab1,NORMAL,,1,e1,,vip",
        ),
        {"out": "unsubscribed"},
    ),
    "Mailchimp, cleaned": (
        _table(
            f"{MAILCHIMP}CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS",
            f"bad@x.org,Ann,Lee,{AT},{TIME},May,ab1,1,e1,,vip",
        ),
        {"bad": "bounced"},
    ),
    "Mailchimp, subscribed": (
        _table(
            f"{MAILCHIMP}LAST_CHANGED,LEID,EUID,NOTES,TAGS",
            f"in@x.org,Ann,Lee,{AT},{TIME},1,e1,,vip",
        ),
        {"in": "active"},
    ),
    "listmonk": (
        _table(
            "uuid,email,name,attributes,status,created_at,updated_at",
            'u1,in@x.org,I,"{""city"": ""X""}",enabled,2024-01-01,2024-01-01',
            "u2,out@x.org,O,{},blocklisted,2024-01-01,2024-01-01",
            "u3,off@x.org,F,{},disabled,2024-01-01,2024-01-01",
        ),
        {"in": "active", "out": "unsubscribed", "off": "unsubscribed"},
    ),
    "Kit": (
        _table(
            "first_name,email_address,state,created_at,tags",
            "A,in@x.org,active,2025-03-03,",
            "B,new@x.org,inactive,2025-03-03,",
            "C,out@x.org,cancelled,2025-03-03,",
            "D,bad@x.org,bounced,2025-03-03,",
            "E,angry@x.org,complained,2025-03-03,",
        ),
        {
            "in": "active",
            "new": "pending",
            "out": "unsubscribed",
            "bad": "bounced",
            "angry": "complained",
        },
    ),
    "beehiiv": (
        _table(
            "email,First Name,Last Name,status,tier,created_at,stripe_customer_id,unsubscribed_at",
            "in@x.org,A,L,active,free,2023-03-24 10:23:10 UTC,,",
            "out@x.org,B,L,inactive,free,2023-03-24 10:23:10 UTC,,2024-03-24 10:23:10 UTC",
            "new@x.org,C,L,pending,free,2023-03-24 10:23:10 UTC,,",
        ),
        {"in": "active", "out": "unsubscribed", "new": "pending"},
    ),
    "MailerLite": (
        _table(
            "Subscriber,Name,Last name,Status,Unsubscribed",
            "in@x.org,A,L,Active,",
            "out@x.org,B,L,Unsubscribed,2024-03-24 10:23:10",
            "new@x.org,C,L,Unconfirmed,",
            "spam@x.org,D,L,Junk,",
        ),
        {"in": "active", "out": "unsubscribed", "new": "pending", "spam": "complained"},
    ),
    "Sendy": (
        _table(
            '"Name","Email","Joined","Last activity","Added via","Opt-in method","IP address",'
            '"Country","Country code","Signed up from","Status","GDPR"',
            '"A","in@x.org","2024-01-01","","API","Single opt-in","","","","","Active","No"',
            '"B","out@x.org","","","API","Double opt-in","","","","","Unsubscribed","Yes"',
            '"C","angry@x.org","","","API","Double opt-in","","","","","Marked as spam","Yes"',
            '"D","new@x.org","","","API","Double opt-in","","","","","Unconfirmed","Yes"',
            '"E","bad@x.org","","","API","Double opt-in","","","","","Bounced","Yes"',
        ),
        {
            "in": "active",
            "out": "unsubscribed",
            "angry": "complained",
            "new": "pending",
            "bad": "bounced",
        },
    ),
    "Campaign Monitor": (
        _table(
            "EmailAddress,Name,Date,State",
            "in@x.org,A,2024-01-01,Active",
            "out@x.org,B,2024-01-01,Unsubscribed",
            "gone@x.org,C,2024-01-01,Deleted",
            "new@x.org,C,2024-01-01,Unconfirmed",
        ),
        {"in": "active", "out": "unsubscribed", "gone": "unsubscribed", "new": "pending"},
    ),
    "Constant Contact": (
        _table(
            "Email address,First name,Last name,Email status,Email permission status,Email Lists",
            "in@x.org,A,L,Active,Explicit,News",
            "out@x.org,B,L,Unsubscribed,Unsubscribed,News",
            "new@x.org,C,L,Active,Pending confirmation,News",
        ),
        {"in": "active", "out": "unsubscribed", "new": "pending"},
    ),
    "Klaviyo": (
        _table(
            "Email,First Name,Email Marketing Consent,Email Marketing Consent Timestamp,Source",
            "in@x.org,A,SUBSCRIBED,2024-01-01T00:00:00Z,form",
            "out@x.org,B,UNSUBSCRIBED,,form",
            "never@x.org,C,NEVER_SUBSCRIBED,,shop",
        ),
        {"in": "active", "out": "unsubscribed", "never": "pending"},
    ),
    "Shopify": (
        _table(
            "First Name,Last Name,Email,Accepts Email Marketing,City,Accepts SMS Marketing",
            "A,L,in@x.org,yes,Ulm,no",
            "B,L,out@x.org,no,Ulm,yes",
        ),
        {"in": "active", "out": "unsubscribed"},
    ),
    "HubSpot": (
        _table(
            "Email,First Name,Unsubscribed from all email,Lead Status,Marketing contact status",
            "in@x.org,A,,NEW,Marketing contact",
            "out@x.org,B,true,NEW,Marketing contact",
        ),
        {"in": "active", "out": "unsubscribed"},
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_the_exports_of_other_services_keep_their_states(desk: Newsroom, name: str) -> None:
    """The service is named, every state is kept, and no line is lost."""
    text, wanted = EXPORTS[name]
    ran = _import(desk, text)
    assert (ran.code, ran.err) == (0, "")
    assert _states(desk) == wanted
    assert f"read as an export of {name.partition(',')[0]}\n" in ran.out


def test_every_service_is_tried() -> None:
    """Each entry of the table has an export above; ours is in the test of the export."""
    tried = {name.partition(",")[0] for name in EXPORTS}
    assert tried == {each.name for each in services()} - {"Broadsheet"}


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("delimiter", ";\t|")
def test_an_export_that_went_through_a_spreadsheet_is_the_same(name: str, delimiter: str) -> None:
    """Other columns first, another delimiter, UTF-16, headings in capitals: the states stay."""
    text, wanted = EXPORTS[name]
    rows = list(csv.reader(io.StringIO(text)))
    turned = io.StringIO()
    csv.writer(turned, delimiter=delimiter).writerows(row[::-1] for row in rows)
    listing = open_list(turned.getvalue().encode("utf-16"), "x")
    found = {line.address.partition("@")[0]: line.status for line in _entries(listing)}
    assert found == wanted


def _entries(listing: SubscriberList) -> list[ListedSubscriber]:
    lines = list(listing.subscribers())
    assert not [line for line in lines if isinstance(line, Problem)]
    return [line for line in lines if not isinstance(line, Problem)]


def _status_of(headings: str, cells: str) -> str:
    """The status of one line of a file with an address and `headings`."""
    text = _table(f"email,{headings}", f"a@x.org,{cells}", f"a@x.org,{cells}")
    listing = open_list(text.encode(), "x")
    return _entries(listing)[0].status


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
    """In the usual languages, in words, as flags and as times."""
    text = _table(f"email,{heading}", f"in@x.org,{no}", f"out@x.org,{yes}")
    found = _entries(open_list(text.encode(), "x"))
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
def test_what_may_be_consent_and_is_not_understood_stops_the_import(
    desk: Newsroom, heading: str, values: Sequence[str]
) -> None:
    """By its name or its values. Nobody is taken in, and the message names the flags."""
    rows = [f"r{i}@x.org,{value}" for i, value in enumerate(values)]
    ran = _import(desk, _table(f"email,{heading}", *rows))
    assert ran.code == 1
    assert ran.err.startswith("list.csv:1: ")
    assert f'--column "{heading}=ignore"' in ran.err
    assert _states(desk) == {}
    ran = _import(desk, _table(f"email,{heading}", *rows), "--column", f"{heading}=ignore")
    assert (ran.code, set(_states(desk).values())) == (0, {"active"})
    assert f"columns ignored: {heading}\n" in ran.out


def test_all_that_is_not_understood_is_told_at_once(desk: Newsroom) -> None:
    """One run names every column."""
    ran = _import(desk, "email,active,kind\na@x.org,Y,bounced\n")
    assert ran.err.count("list.csv:1: column ") == 2


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
def test_what_is_no_consent_is_only_listed(
    desk: Newsroom, column: tuple[str, Sequence[str]]
) -> None:
    """Times that all have, ids, details and free text do not stop anything."""
    heading, values = column
    rows = [f"r{i}@x.org,{value}" for i, value in enumerate(values)]
    ran = _import(desk, _table(f"email,{heading}", *rows))
    assert (ran.code, ran.err) == (0, "")
    assert f"columns ignored: {heading}\n" in ran.out
    assert set(_states(desk).values()) == {"active"}


def test_a_state_beside_a_city_is_a_place(desk: Newsroom) -> None:
    """Unless it says who is subscribed."""
    assert _import(desk, "email,city,state\na@x.org,Boston,MA\n").code == 0
    assert _import(desk, "email,city,state\nb@x.org,Boston,bounced\n").code == 0
    assert _states(desk) == {"a": "active", "b": "bounced"}


def test_the_user_says_what_a_column_holds(desk: Newsroom) -> None:
    """As a field or as a kind of consent, whatever the case of the heading."""
    text = "Wohin,Wer,Mailing active\na@x.org,Ann,Y\nb@x.org,Bob,N\n"
    flags = ("Wohin=address", "wer=name", "MAILING ACTIVE=opted-in")
    ran = _import(desk, text, *(part for flag in flags for part in ("--column", flag)))
    assert (ran.code, ran.err) == (0, "")
    assert _states(desk) == {"a": "active", "b": "unsubscribed"}
    assert json.loads(desk.run("subscribers", "list", "--json").out)[0]["name"] == "Ann"


def test_the_user_says_what_a_value_means(desk: Newsroom) -> None:
    """Also that of an empty cell."""
    text = "email,status\na@x.org,1\nb@x.org,2\nc@x.org,\n"
    flags = ("--status", "1=active", "--status", "2=unsubscribed", "--status", "=pending")
    assert _import(desk, text, *flags).code == 0
    assert _states(desk) == {"a": "active", "b": "unsubscribed", "c": "pending"}


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (("--column", "nope=ignore"), "no column is called 'nope'; the columns are: email"),
        (("--column", "email=what"), "--column: 'email=what'; write NAME=WHAT, with one of"),
        (("--status", "x=what"), "--status: 'x=what'; write NAME=WHAT, with one of"),
        (("--encoding", "klingon"), "unknown encoding 'klingon'"),
    ],
)
def test_a_flag_that_cannot_be_is_a_mistake_of_usage(
    desk: Newsroom, flags: Sequence[str], what: str
) -> None:
    """Exit code 2, and the message says what there is."""
    ran = _import(desk, "email\na@x.org\n", *flags)
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
def test_a_list_of_opt_outs_does_not_become_a_list_of_subscribers(
    desk: Newsroom, name: str
) -> None:
    """Where only the file's name says so, the import asks."""
    ran = _import(desk, "email\na@x.org\n", name=name)
    assert ran.code == 1
    assert "add --as unsubscribed" in ran.err
    assert _states(desk) == {}
    assert _import(desk, "email\na@x.org\n", "--as", "unsubscribed", name=name).code == 0
    assert _states(desk) == {"a": "unsubscribed"}


@pytest.mark.parametrize(
    ("start", "status"),
    [("unsubscribed", "unsubscribed"), ("cleaned", "bounced"), ("nonsubscribed", "pending")],
)
def test_mailchimp_has_a_file_for_each_state(desk: Newsroom, start: str, status: str) -> None:
    """Its name counts, where the columns that say so were taken out."""
    text = "Email Address,MEMBER_RATING,OPTIN_TIME\na@x.org,2,2024-05-01 09:30:00\n"
    ran = _import(desk, text, name=f"{start}_email_audience_export_1a10653875.csv")
    assert (ran.code, _states(desk)) == (0, {"a": status})


def test_the_reason_of_an_opt_out_is_one_too(desk: Newsroom) -> None:
    """Where the column of its time was taken out of an export."""
    ran = _import(desk, "Email Address,LEID,EUID,UNSUB_REASON\na@x.org,1,e1,NORMAL\n")
    assert ran.code == 1
    assert "'UNSUB_REASON' may say who must not be mailed" in ran.err


def test_as_does_not_override_an_opt_out_of_a_line(desk: Newsroom) -> None:
    """The stricter counts."""
    text = "email,status\na@x.org,active\nb@x.org,unsubscribed\n"
    assert _import(desk, text, "--as", "active").code == 0
    assert _states(desk) == {"a": "active", "b": "unsubscribed"}


def test_of_two_columns_the_opt_out_counts() -> None:
    """Also where the other is not understood, or says that all is well."""
    assert _status_of("status,unsubscribed_at", "active,2024-05-01") == "unsubscribed"
    assert _status_of("subscribed,bounced,complained", "yes,yes,yes") == "complained"
    assert _status_of("status,opt_out", "active,no") == "active"


def test_an_opt_out_that_is_here_already_wins(desk: Newsroom) -> None:
    """Whatever service the file is from; and the cause of an opt-out is kept."""
    assert _import(desk, EXPORTS["Ghost"][0]).code == 0
    ran = _import(desk, "email,status\nOUT@x.org,active\ngone@x.org,pending\n")
    assert "2 had left before and are not subscribed again: out@x.org" in ran.out
    assert _states(desk)["out"] == _states(desk)["gone"] == "unsubscribed"
    causes = [one["cause"] for one in json.loads(desk.run("subscribers", "list", "--json").out)]
    assert causes[1] == "import of list.csv: subscribed_to_emails false"


@pytest.mark.parametrize(
    ("first", "second", "status", "problems"),
    [
        ("active", "unsubscribed", "unsubscribed", 0),
        ("unsubscribed", "active", "unsubscribed", 0),
        ("pending", "bounced", "bounced", 0),
        ("active", "active", "active", 1),
        ("bounced", "complained", "bounced", 1),
    ],
)
def test_of_two_lines_of_one_address_an_opt_out_counts(
    desk: Newsroom, first: str, second: str, status: str, problems: int
) -> None:
    """In either order: the address may be on two lists of the other service."""
    text = f"email,status\nann@x.org,{first}\nbob@x.org,active\nANN@X.org,{second}\n"
    ran = _import(desk, text)
    assert ran.err.count("\n") == ran.code == problems
    states = {name.casefold(): state for name, state in _states(desk).items()}
    assert states == {"ann": status, "bob": "active"}


@pytest.mark.parametrize("known", ["", "active", "pending", "unsubscribed"])
@pytest.mark.parametrize(
    ("lines", "added"),
    [
        (("active", "unsubscribed"), {"unsubscribed": 1}),
        (("unsubscribed", "active"), {"unsubscribed": 1}),
        (("pending", "active", "bounced"), {"bounced": 1}),
        (("active", "complained", "active"), {"complained": 1}),
    ],
)
def test_who_has_an_opt_out_in_any_line_is_never_subscribed(
    desk: Newsroom, lines: Sequence[str], added: dict[str, int], known: str
) -> None:
    """Not even between two batches; and the dry run counts what the import does."""
    if known:
        _import(desk, f"email,status\nann@x.org,{known}\n")
    others = [f"r{i}@x.org,active" for i in range(BATCH_LINES)]
    rows = [row for status in lines for row in (f"ann@x.org,{status}", *others[: BATCH_LINES // 2])]
    rows += others[BATCH_LINES // 2 :]
    text = _table("email,status", *dict.fromkeys(rows))
    foreseen = json.loads(_import(desk, text, "--dry-run", "--json").out)
    done = json.loads(_import(desk, text, "--json").out)
    assert foreseen == done
    assert done["states"] == {"active": BATCH_LINES, **({} if known else added)}
    shown = json.loads(desk.run("subscribers", "show", "ann@x.org", "--json").out)
    became = [change["after"] for change in shown["changes"] if change["what"] == "status"]
    assert set(became) <= {known, *added}


def test_an_opt_out_is_never_lost_with_the_rest_of_its_line(desk: Newsroom) -> None:
    """A bad cell is told; the address is out all the same."""
    _import(desk, "email\nann@x.org\nbob@x.org\n")
    text = "email,language,name,status\nann@x.org,??,Ann,unsubscribed\nbob@x.org,,B\0,bounced\n"
    ran = _import(desk, text)
    assert ran.code == 1
    assert [line.partition(": ")[0] for line in ran.err.splitlines()] == [
        "list.csv:2",
        "list.csv:3",
    ]
    assert _states(desk) == {"ann": "unsubscribed", "bob": "bounced"}


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_cell_may_name_topics_on_several_lines(end: str) -> None:
    """As people write lists in spreadsheets; a name in quotation marks stays whole."""
    cell = f'AI{end}开源; "a{end}b"{end}'.replace('"', '""')
    text = f'email,topics\na@x.org,"{cell}"\nb@x.org,"AI{end}开源, x"\n'
    first, second = _entries(open_list(text.encode(), "x"))
    assert first.preferences["topics"] == ("AI", "开源", f"a{end}b")
    assert second.preferences["topics"] == ("AI", "开源", "x")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffd")))
def test_a_cell_of_topics_may_hold_any_text(cell: str) -> None:
    """Whatever is in it, its line is imported or said to be bad."""
    table = io.StringIO()
    csv.writer(table).writerows([["email", "topics"], ["a@x.org", cell], ["b@x.org", "开源"]])
    assert len(list(open_list(table.getvalue().encode(), "x").subscribers())) == 2


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (b"x@x.org,Ann\0Lee,active", "a cell contains a NUL character"),
        (b"x\0@x.org,Ann,active", "is not a valid email address"),
        (b"x@x.org,\xff\xfe,active", "a cell is not valid in the encoding of the file"),
        (b'x@x.org,"Ann" Lee,active', "the quotation marks do not match"),
        (b'x@x.org,"Ann,active', "the quotation marks do not match"),
        (b"x@x.org,Lee, Ann,active", "4 cells, but only 3 headings"),
        (b"x@x.org,Ann", "the line ends before column 'status'"),
        (b"x@x.org,Ann,gone fishing", "'gone fishing' in column 'status' is not a known status"),
        (b"x@x.org,Ann,", "column 'status' is empty"),
        (b"x at x.org,Ann,active", "is not a valid email address"),
        (b"x@x.org," + b"n" * 200_000 + b",active", "the quotation marks do not match"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_bad_cell_costs_its_line_and_no_other(
    desk: Newsroom, bad: bytes, what: str, end: bytes
) -> None:
    """It is told by its number; those before and after it are in."""
    good = [f"r{i}@x.org,\u5f20,active".encode() for i in range(6)]
    lines = [b"email,name,status", *good[:3], bad, *good[3:], b""]
    ran = _import(desk, end.join(lines))
    assert ran.code == 1
    (told,) = ran.err.splitlines()
    assert told.startswith("list.csv:5: ")
    assert what in told
    assert set(_states(desk)) == {f"r{i}" for i in range(6)}


CELLS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0\ufffd"), max_size=8
)


@given(
    st.lists(st.tuples(CELLS.filter(str.strip), CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
)
def test_what_other_programs_write_is_read(rows: list[tuple[str, ...]], delimiter: str) -> None:
    """Every table that a CSV writer writes comes back, with the number of each line."""
    made = io.StringIO()
    writer = csv.writer(made, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(("a", "b", "c"))
    writer.writerows(rows)
    found = list(read_rows(made.getvalue()))
    assert [tuple(row.cells) for row in found[1:]] == rows
    assert [row.line for row in found] == list(range(1, len(rows) + 2))


@given(st.lists(st.sampled_from(['x@x.org,"A', '"', 'b,"c"d', ',",', "a,b", ""]), max_size=30))
def test_no_quotation_marks_hide_a_good_line(lines: list[str]) -> None:
    """A line without any is read, or stands in a cell that the marks around it make one."""
    text = "\n".join(["h,i", *lines, "good@x.org,1", "good@x.org,2", ""])
    found = list(read_rows(text))
    assert any("good@x.org" in cell for row in found for cell in row.cells)
    assert [row.line for row in found] == sorted({row.line for row in found})


NAMES = {
    "gb18030": ("邮箱,姓名,状态", ["张伟", "王芳", "李娜", "刘强", "陈静", "杨洋"], "已退订"),
    "gbk": ("邮箱,姓名,状态", ["赵敏", "黄磊", "周杰", "吴秀英", "徐丽", "孙涛"], "已退订"),
    "big5": ("電子郵件,姓名,狀態", ["陳美玲", "林志豪", "黃淑芬", "張家豪", "李雅婷"], "已退訂"),
    "cp932": ("メール,名前,status", ["佐藤", "鈴木", "高橋", "さくら", "タナカ"], "配信停止"),
    "cp949": ("이메일,이름,상태", ["김민수", "이영희", "박지훈", "최수진", "정우성"], "수신거부"),
    "cp1252": ("E-Mail,Name,Status", ["José", "Zoé", "Müller", "Noël", "Jürgen"], "gekündigt"),
    "utf-8": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
    "utf-8-sig": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
    "utf-16": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
    "utf-16-le": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
    "utf-16-be": ("邮箱,姓名,状态", ["张伟", "José", "さくら"], "已退订"),
}


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("delimiter", ",;\t")
@pytest.mark.parametrize("many", [1, 3, 60])
def test_a_file_in_any_encoding_of_a_spreadsheet_is_read(
    encoding: str, delimiter: str, many: int
) -> None:
    """Names, headings and states as they were."""
    headings, names, out = NAMES[encoding]
    lines = [headings, f"out@x.org,{names[0]},{out}"]
    lines += [f"r{i}@x.org,{names[i % len(names)]},active" for i in range(many)]
    text = "\r\n".join(lines).replace(",", delimiter)
    found = _entries(open_list(text.encode(encoding), "x"))
    assert [line.preferences["name"] for line in found][:2] == [names[0], names[0]]
    assert [line.status for line in found][:2] == ["unsubscribed", "active"]
    assert len(found) == many + 1


def test_the_encoding_can_be_named(desk: Newsroom) -> None:
    """For the few that cannot be told apart; and a guess is told."""
    data = "email,name\na@x.org,Łukasz\n".encode("cp1250")
    assert _import(desk, data, "--encoding", "cp1250").code == 0
    assert json.loads(desk.run("subscribers", "list", "--json").out)[0]["name"] == "Łukasz"
    ran = _import(desk, "邮箱,姓名\nb@x.org,张伟\n".encode("gbk"))
    assert "read as gb18030; if names look wrong, add --encoding" in ran.out


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    """No file, however broken, ends in a traceback."""
    decode_text(data, "x")
    with suppress(ConsentError, UsageError):
        list(open_list(data, "x").subscribers())


@pytest.mark.parametrize("data", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0\xa1\xb1rest"])
def test_a_workbook_is_refused_with_what_to_do(desk: Newsroom, data: bytes) -> None:
    """And so is the archive that some services send."""
    ran = _import(desk, data, name="list.xlsx")
    assert ran.code == 2
    assert ran.err == (
        "list.xlsx: this is a ZIP archive or an Excel workbook, not a CSV file; extract it, or save"
        " it as CSV (UTF-8)\n"
    )


def test_a_first_line_that_names_the_delimiter_is_skipped(desk: Newsroom) -> None:
    """As Excel writes it."""
    assert _import(desk, "sep=;\r\nName;Email\r\nAnn, Lee;a@x.org\r\n").code == 0
    assert json.loads(desk.run("subscribers", "list", "--json").out)[0]["name"] == "Ann, Lee"


LOCALS = st.text("aZ9.+_-!'é @\"", max_size=6) | st.sampled_from(["x" * 64, "x" * 65])
DOMAINS = st.sampled_from(
    [
        "b.org",
        "B.ORG",
        "x.test",
        "localhost",
        "b",
        "bücher.de",
        "-b.org",
        "b_c.org",
        "[192.0.2.1]",
        "b.org.",
        "例子.cn",
        "xn--bcher-kva.de",
        "XN--Fsqu00a.XN--P1AI",
    ]
) | st.text("ab.-", max_size=6)


@given(LOCALS, DOMAINS)
def test_the_short_way_agrees_with_the_library(local: str, domain: str) -> None:
    """An address is valid, and spelled, as email-validator says."""
    address = f"{local}@{domain}"
    try:
        found = validate_email(address.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        with pytest.raises(AddressError):
            checked_address(address)
    else:
        assert checked_address(address) == found.ascii_email
        assert address_key(address) == found.ascii_email.casefold()


OUT = sorted(word for word, status in consent.STATUS_WORDS.items() if status != "active")


@pytest.mark.parametrize("heading", ["status", "类别", "Opt-Out", "subscribed", "list_member"])
@given(st.sampled_from(OUT), st.sampled_from([str.lower, str.upper, str.title]))
def test_no_word_of_an_opt_out_becomes_active(
    heading: str, word: str, case: Callable[[str], str]
) -> None:
    """In a column of any name: it is understood, or the import stops."""
    with suppress(ConsentError):
        assert _status_of(heading, f'"{case(word)}"') != "active"


def test_a_dry_run_writes_nothing_at_all(desk: Newsroom) -> None:
    """Not even an empty database."""
    ran = _import(desk, EXPORTS["Sendy"][0], "--dry-run")
    assert ran.out.startswith("5 would be added, 0 would be changed")
    assert not (desk.folder / "broadsheet.db").exists()


def test_what_was_understood_is_data_too(desk: Newsroom) -> None:
    """--json names the service, the encoding, and the columns."""
    found = json.loads(_import(desk, EXPORTS["Ghost"][0], "--json").out)
    assert found["service"] == "Ghost"
    assert found["encoding"] == "utf-8"
    assert found["consent"] == ["subscribed_to_emails", "deleted_at"]
    assert found["states"] == {"active": 1, "unsubscribed": 2}
    assert "note" in found["ignored"]


def test_listmonk_lists_are_mentioned(desk: Newsroom) -> None:
    """Its export does not say who left one list: the user hears of it."""
    assert "export the subscribers that unsubscribed" in _import(desk, EXPORTS["listmonk"][0]).out


def test_our_own_export_is_understood(desk: Newsroom, tmp_path: Path) -> None:
    """Whatever the topics are called, and whatever anybody's name is."""
    desk.run("subscribers", "add", "a@x.org", "--name", "unsubscribed", "--topic", "no")
    exported = desk.run("subscribers", "export").out
    (tmp_path / "other").mkdir()
    other = Newsroom.open(tmp_path / "other", DIGEST)
    assert other.run("subscribers", "import", str(other.write("all.csv", exported))).code == 0
    assert other.run("subscribers", "export").out == exported


def _long_list(desk: Newsroom, lines: int) -> Path:
    rows = (f"reader{i}@example{i % 997}.org,Reader {i},active" for i in range(lines))
    return desk.write("long.csv", _table("email,name,status", *rows))


def _begin(desk: Newsroom, path: Path) -> subprocess.Popen[bytes]:
    """An import in a process of its own."""
    command = [sys.executable, "-m", "broadsheet", "-C", str(desk.folder), "subscribers", "import"]
    return subprocess.Popen([*command, str(path)], stdout=subprocess.DEVNULL)


def _count(db: database.Database) -> int:
    with db.reading() as connection:
        return sum(subscribers.counts(connection).values())


def _waits(desk: Newsroom, lines: int) -> list[float]:
    """How long one who leaves waits, after each batch of a list of `lines` that comes in."""
    db = database.open_database("sqlite:///broadsheet.db", desk.folder)
    with db.writing() as connection:
        reader = subscribers.add(connection, "ann@x.org", cause="t", now=MOMENT)
    running = _begin(desk, _long_list(desk, lines))
    waits: list[float] = []
    there = 1
    while running.poll() is None:
        before = there
        until(lambda: running.poll() is not None or _count(db) > before)  # noqa: B023
        there = _count(db)
        begun = time.perf_counter()
        with db.writing() as connection:
            subscribers.leave(connection, reader.id, "weekly", ("weekly",), cause="t", now=MOMENT)
        if there < lines:  # in the midst of it
            waits.append(time.perf_counter() - begun)
        with db.writing() as connection:
            gone = subscribers.get(connection, reader.id)
            assert gone is not None
            subscribers.set_status(connection, gone, "active", cause="t", now=MOMENT)
    assert running.returncode == 0
    assert _count(db) == lines + 1
    db.close()
    return waits


def test_nobody_waits_long_for_an_import(desk: Newsroom) -> None:
    """One-click unsubscribes go on while a list comes in, batch by batch."""
    waits = _waits(desk, 20_000)
    assert len(waits) > 3
    assert max(waits) < 1


@pytest.mark.long
def test_nobody_waits_long_for_a_long_import(desk: Newsroom) -> None:
    """Half a million lines."""
    waits = _waits(desk, 500_000)
    assert len(waits) > 100
    assert max(waits) < 1


def test_an_import_that_is_killed_leaves_whole_batches(desk: Newsroom) -> None:
    """Everyone who is in has the change that says so; the next import completes it."""
    path = _long_list(desk, 20_000)
    db = database.open_database("sqlite:///broadsheet.db", desk.folder)
    running = _begin(desk, path)
    until(lambda: _count(db) > 0)
    running.kill()
    running.wait()
    there = _count(db)
    with db.reading() as connection:
        told = connection.execute(sql.select(sql.func.count()).select_from(database.changes))
        assert told.scalar_one() == there
    assert 0 < there < 20_000
    assert there % BATCH_LINES == 0
    ran = desk.run("subscribers", "import", str(path))
    assert ran.out.startswith(f"{20_000 - there:,} added, 0 changed, {there:,} unchanged")
    db.close()


def test_a_long_list_is_changed_in_batches_too(desk: Newsroom) -> None:
    """Names and opt-outs of people who are here; each is told once, with its cause."""
    path = _long_list(desk, 2 * BATCH_LINES + 1)
    assert desk.run("subscribers", "import", str(path)).code == 0
    text = path.read_text().replace("Reader 7,active", "Ann,unsubscribed")
    ran = _import(desk, text.replace("Reader", "Dear reader"))
    assert ran.out.startswith("0 added, 2,001 changed, 0 unchanged")
    db = database.open_database("sqlite:///broadsheet.db", desk.folder)
    with db.reading() as connection:
        one = subscribers.find(connection, "reader7@example7.org")
        assert one is not None
        assert (one.name, one.status) == ("Ann", "unsubscribed")
        assert [
            (c.what, c.before, c.after, c.cause) for c in subscribers.history(connection, one)
        ] == [
            ("status", "", "active", "import of long.csv"),
            ("name", "Reader 7", "Ann", "import of list.csv"),
            ("status", "active", "unsubscribed", "import of list.csv: status unsubscribed"),
        ]
        counts = subscribers.counts(connection)
        assert (counts["active"], counts["unsubscribed"]) == (2 * BATCH_LINES, 1)
    db.close()
