"""The exports of other services: people who opted out there get no mail here."""

from __future__ import annotations

import csv
import io
import json

import pytest

from broadsheet.delivery.lists.reading import (
    open_list,
)
from broadsheet.delivery.lists.services import services
from newsroom import Newsroom
from subscriber_lists import TIME, entries, import_file, states, table

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
        table(
            GHOST,
            "1,in@x.org,G,,true,false,,2024-01-01T00:00:00.000Z,,,",
            "2,out@x.org,N,,false,false,,2024-01-01T00:00:00.000Z,,,",
            "3,gone@x.org,D,,true,true,,2024-01-01T00:00:00.000Z,2024-02-01T00:00:00.000Z,vip,",
        ),
        {"in": "active", "out": "unsubscribed", "gone": "unsubscribed"},
    ),
    "Substack": (
        table(
            "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at",
            "free@x.org,false,,other,false,2025-01-01,",
            "paid@x.org,true,2026-01-01,yearly,false,2025-01-01,2025-06-01",
            "out@x.org,true,2026-01-01,monthly,true,2025-01-01,2025-06-01",
        ),
        {"free": "active", "paid": "active", "out": "unsubscribed"},
    ),
    "Buttondown": (
        table(
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
        table(
            f"{MAILCHIMP}UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,"
            "UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS",
            f"out@x.org,Ann,Lee,{AT},{TIME},May,ab1,NORMAL,,1,e1,,vip",
        ),
        {"out": "unsubscribed"},
    ),
    "Mailchimp, cleaned": (
        table(
            f"{MAILCHIMP}CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS",
            f"bad@x.org,Ann,Lee,{AT},{TIME},May,ab1,1,e1,,vip",
        ),
        {"bad": "bounced"},
    ),
    "Mailchimp, subscribed": (
        table(
            f"{MAILCHIMP}LAST_CHANGED,LEID,EUID,NOTES,TAGS",
            f"in@x.org,Ann,Lee,{AT},{TIME},1,e1,,vip",
        ),
        {"in": "active"},
    ),
    "listmonk": (
        table(
            "uuid,email,name,attributes,status,created_at,updated_at",
            'u1,in@x.org,I,"{""city"": ""X""}",enabled,2024-01-01,2024-01-01',
            "u2,out@x.org,O,{},blocklisted,2024-01-01,2024-01-01",
            "u3,off@x.org,F,{},disabled,2024-01-01,2024-01-01",
        ),
        {"in": "active", "out": "unsubscribed", "off": "unsubscribed"},
    ),
    "Kit": (
        table(
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
        table(
            "email,First Name,Last Name,status,tier,created_at,stripe_customer_id,unsubscribed_at",
            "in@x.org,A,L,active,free,2023-03-24 10:23:10 UTC,,",
            "out@x.org,B,L,inactive,free,2023-03-24 10:23:10 UTC,,2024-03-24 10:23:10 UTC",
            "new@x.org,C,L,pending,free,2023-03-24 10:23:10 UTC,,",
        ),
        {"in": "active", "out": "unsubscribed", "new": "pending"},
    ),
    "MailerLite": (
        table(
            "Subscriber,Name,Last name,Status,Unsubscribed",
            "in@x.org,A,L,Active,",
            "out@x.org,B,L,Unsubscribed,2024-03-24 10:23:10",
            "new@x.org,C,L,Unconfirmed,",
            "spam@x.org,D,L,Junk,",
        ),
        {"in": "active", "out": "unsubscribed", "new": "pending", "spam": "complained"},
    ),
    "Sendy": (
        table(
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
        table(
            "EmailAddress,Name,Date,State",
            "in@x.org,A,2024-01-01,Active",
            "out@x.org,B,2024-01-01,Unsubscribed",
            "gone@x.org,C,2024-01-01,Deleted",
            "new@x.org,C,2024-01-01,Unconfirmed",
        ),
        {"in": "active", "out": "unsubscribed", "gone": "unsubscribed", "new": "pending"},
    ),
    "Constant Contact": (
        table(
            "Email address,First name,Last name,Email status,Email permission status,Email Lists",
            "in@x.org,A,L,Active,Explicit,News",
            "out@x.org,B,L,Unsubscribed,Unsubscribed,News",
            "new@x.org,C,L,Active,Pending confirmation,News",
        ),
        {"in": "active", "out": "unsubscribed", "new": "pending"},
    ),
    "Klaviyo": (
        table(
            "Email,First Name,Email Marketing Consent,Email Marketing Consent Timestamp,Source",
            "in@x.org,A,SUBSCRIBED,2024-01-01T00:00:00Z,form",
            "out@x.org,B,UNSUBSCRIBED,,form",
            "never@x.org,C,NEVER_SUBSCRIBED,,shop",
        ),
        {"in": "active", "out": "unsubscribed", "never": "pending"},
    ),
    "Shopify": (
        table(
            "First Name,Last Name,Email,Accepts Email Marketing,City,Accepts SMS Marketing",
            "A,L,in@x.org,yes,Ulm,no",
            "B,L,out@x.org,no,Ulm,yes",
        ),
        {"in": "active", "out": "unsubscribed"},
    ),
    "HubSpot": (
        table(
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
    ran = import_file(desk, text)
    assert (ran.code, ran.err) == (0, "")
    assert states(desk) == wanted
    assert f"read as an export of {name.partition(',')[0]}\n" in ran.out


def test_every_service_is_tried() -> None:
    """Each entry of the table has an export above; our own is tested with the export."""
    tried = {name.partition(",")[0] for name in EXPORTS}
    assert tried == {each.name for each in services()} - {"Broadsheet"}


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("delimiter", ";\t|")
def test_an_export_that_went_through_a_spreadsheet_is_the_same(name: str, delimiter: str) -> None:
    """With another column order, delimiter, encoding or case of headings, the states stay."""
    text, wanted = EXPORTS[name]
    rows = list(csv.reader(io.StringIO(text)))
    turned = io.StringIO()
    csv.writer(turned, delimiter=delimiter).writerows(row[::-1] for row in rows)
    listing = open_list(turned.getvalue().encode("utf-16"), "x")
    found = {line.address.partition("@")[0]: line.status for line in entries(listing)}
    assert found == wanted


def test_an_opt_out_that_is_here_already_wins(desk: Newsroom) -> None:
    """Whatever service the file is from; and the cause of an opt-out is kept."""
    assert import_file(desk, EXPORTS["Ghost"][0]).code == 0
    ran = import_file(desk, "email,status\nOUT@x.org,active\ngone@x.org,pending\n")
    assert "2 had left before and are not subscribed again: out@x.org" in ran.out
    assert states(desk)["out"] == states(desk)["gone"] == "unsubscribed"
    causes = [one["cause"] for one in json.loads(desk.run("subscribers", "list", "--json").out)]
    assert causes[1] == "import of list.csv: subscribed_to_emails false"


def test_a_dry_run_writes_nothing_at_all(desk: Newsroom) -> None:
    """Not even an empty database."""
    ran = import_file(desk, EXPORTS["Sendy"][0], "--dry-run")
    assert ran.out.startswith("5 would be added, 0 would be changed")
    assert not (desk.folder / "broadsheet.db").exists()


def test_the_import_report_has_json(desk: Newsroom) -> None:
    """--json names the service, the encoding, and the columns."""
    found = json.loads(import_file(desk, EXPORTS["Ghost"][0], "--json").out)
    assert found["service"] == "Ghost"
    assert found["encoding"] == "utf-8"
    assert found["consent"] == ["subscribed_to_emails", "deleted_at"]
    assert found["states"] == {"active": 1, "unsubscribed": 2}
    assert "note" in found["ignored"]


def test_listmonk_lists_are_mentioned(desk: Newsroom) -> None:
    """Its export lacks opt-outs from single lists, and the import says so."""
    assert (
        "export the subscribers that unsubscribed" in import_file(desk, EXPORTS["listmonk"][0]).out
    )
