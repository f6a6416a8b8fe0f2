"""Mailboxes of returned mail."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from returned import NAMES, mail, read, split


def test_an_mbox_is_many_mails_and_a_mail_is_one() -> None:
    """RFC 4155; a paragraph that begins with From does not start a mail."""
    line = b"From MAILER-DAEMON Mon Jun 23 00:00:07 2025\n"
    both = line + mail("exim") + b"\n" + line + mail("qmail") + b"\n"
    assert [read(each).id for each in split(both)] == [
        read(mail("exim")).id,
        read(mail("qmail") + b"\n").id,
    ]
    letter = mail("exim") + b"\n\nFrom here on it is a letter.\n"
    assert split(letter) == [letter]
    assert len(split(line + letter)) == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5))
def test_splitting_an_mbox_reverses_joining(names: list[str]) -> None:
    """Splitting returns the mails that were joined."""
    line = b"From MAILER-DAEMON Mon Jun 23 00:00:07 2025\n"
    whole = b"\n".join(line + mail(name) for name in names)
    assert [each.rstrip() for each in split(whole)] == [
        (line + mail(name)).rstrip() for name in names
    ]
