"""What headings and cells say about consent, in lists from any program, in the usual languages.

Every program has its own columns: a status in words, the time of an opt-out, a flag for or against.
Each is one of the kinds below. A cell that is not understood has no status (None): no one is mailed
on a guess.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Final, Literal, get_args

from broadsheet.delivery.subscribers import Status

ColumnKind = Literal["status", "opted-in", "opted-out", "confirmed", "bounced", "complained"]
"""status: in words. The others: yes, no or a time; all but `opted-in` may be blank for no."""

KINDS: Final[tuple[ColumnKind, ...]] = get_args(ColumnKind)

StatusReader = Callable[[str], Status | None]
"""Returns the status that a cell gives; None if it is not understood."""

_TIME: Final = re.compile(
    r"""
    \d{4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,2}.* |  # 2024-05-01 09:30:00 UTC
    \d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.* |          # 5/1/24
    \d{1,2}[ -][^\W\d_]{3,9}[ -.,]+\d{2,4}.* |   # 1 May 2024
    (?:[^\W\d_]{3,9},?[ ])?[^\W\d_]{3,9}[ ]\d{1,2},?[ ].*\d{4}.* |  # Wed May 1 2024, May 1, 2024
    [12]\d{9}(?:\d{3})?(?:\.\d+)?                # seconds or milliseconds since 1970
    """,
    re.VERBOSE | re.DOTALL,
)
_NEVER: Final = re.compile(r"0000-00-00.*|0001-01-01.*")  # how databases write that there is none
_CODE: Final = re.compile(r"[+-]?\d{1,3}(?:\.0)?|[^\W\d_]{1,2}")  # 7, A, 是

_FLAGS: Final[Mapping[ColumnKind, tuple[Status, Status, Status | None]]] = {
    # yes or a time, no, blank
    "opted-in": ("active", "unsubscribed", None),
    "opted-out": ("unsubscribed", "active", "active"),
    "confirmed": ("active", "pending", "pending"),
    "bounced": ("bounced", "active", "active"),
    "complained": ("complained", "active", "active"),
}
_MILDEST_FIRST: Final[tuple[Status, ...]] = (
    "active", "pending", "bounced", "unsubscribed", "complained",
)  # fmt: skip

_AT: Final = "(?: (?:at|on|date|time|datetime|timestamp))?"
_HEADING_PATTERNS: Final[Mapping[ColumnKind, tuple[str, ...]]] = {
    "opted-out": (
        "(?:(?:is|has|user|global|date|time|e ?mail) )?(?:unsub|unsubscribed?|opt(?:ed)? ?out"
        "|blacklist(?:ed)?|blocklist(?:ed)?|suppressed)" + _AT,
        "(?:date|time) (?:of )?(?:unsubscri(?:bed?|ption)|opt out)",
        "unsubscription(?: (?:date|time))?",
        "unsubscribed from (?:all )?(?:e ?mails?|newsletters?|everything)",
        "do not (?:e ?mail|contact|mail)",
        "dnc",
        "(?:has )?opted out of e ?mails?",
        "e ?mail disabled",
        "deleted at",
        "(?:是否)?已?(?:退订|取消订阅|拒收|退訂|取消訂閱)(?:时间|日期|時間)?",
        "黑名单|黑名單",
    ),
    "bounced": (
        "(?:(?:is|has|e ?mail) )?(?:hard )?bounced" + _AT,
        "(?:hard )?bounce (?:date|time)",
        "cleaned|clean(?:ed)? (?:at|date|time)",
        "undeliverab(?:le|ility)" + _AT,
        "已?退信(?:时间|時間)?",
    ),
    "complained": (
        "(?:(?:is|has) )?complain(?:ed|t)" + _AT,
        "spam complaint|spam report",
        "(?:marked|reported)(?: as)? spam",
        "投诉|投訴",
    ),
    "confirmed": (
        "(?:(?:is|e ?mail) )?(?:confirmed|double ?opt(?:ed)? ?in|opt ?in confirmed)" + _AT,
        "(?:是否)?已?(?:确认|確認)",
    ),
    "opted-in": (
        "(?:(?:is|e ?mail) )?(?:subscribed|opt(?:ed)? ?in)" + _AT,
        "subscribe",
        "(?:(?:e ?mail|marketing|e ?mail marketing|gdpr|newsletter) )?consent",
        "accepts (?:e ?mail )?marketing",
        "(?:e ?mail )?marketing(?: opt ?in)?",
        "newsletter(?: (?:opt ?in|subscription|subscribed))?",
        "(?:receives?|wants) (?:e ?mails?|newsletters?)",
        "subscribed to (?:e ?mails?|newsletters?)",
        "(?:是否|已)?(?:订阅|訂閱)|同意",
    ),
}
_KIND_HEADINGS: Final = {
    kind: re.compile("|".join(patterns)) for kind, patterns in _HEADING_PATTERNS.items()
}
_SUSPECT: Final = re.compile(
    r"subscri|unsub|\bopt(?:ed|s)? ?(?:in|out)|optin|optout|consent|permission|gdpr|\bdnc\b"
    r"|\bstat(?:us|e)\b|bounc|complain|\bspam|block|black ?list|suppress|disabled?\b|enabled?\b"
    r"|\b(?:in)?active\b|activated|delet|remov|\bclean|confirm|verif|approv|marketing|\bdo ?not\b"
    r"|deliverab|mailable|accept|\ballow|\breceives?\b|newsletter|cancel|churn|\bbanned\b|suspend"
    r"|\bpaused?\b|exclude|\bleft\b|\bquit\b|frequency|\bok(?:ay)?\b|can ?be|contactable|agree"
    r"|permit|authori[sz]"
    r"|状态|狀態|状態|订|訂|退|同意|拒|黑名|屏蔽|投诉|投訴|激活|确认|確認|有效|删|刪|停|注销|禁|许可"
    r"|abmeld|anmeld|abbestell|einwillig|gesperrt|bestätig|zustimm|austrag|désab|désins|inscri"
    r"|einverst|erlaub|autori[sz]|acept|accett"
    r"|statut|\bétat|\bestado|\bbaja|suscri|\bstato|iscri|descadast|aktiv|\bactif|\bactivo"
    r"|購読|配信|解除|동의|수신|구독|статус|подпис|отпис|соглас|актив"
)
_ABOUT_MAIL: Final = re.compile(
    r"mail|news|letter|contact|kontakt|notif|promo|offer|update|mkt|\bpref|send|advert|digest"
    r"|\blist|邮|郵|信|通知|推送|接收|接受|メール|메일|рассыл"
)
_ABOUT_LEAVING: Final = re.compile(
    r"unsub|\bopt(?:ed|s)? ?out|bounc|complain|\bspam|block|black ?list|suppress|delet|remov|cancel"
    r"|\bclean|\bdo ?not\b|退|拒|黑名|投诉|投訴|删|刪|abmeld|abbestell|désab|désins|disiscri|отпис"
)
_OTHER_CODES: Final = re.compile(  # headings whose short codes or numbers are not about consent
    r"\b(?:counts?|number|num|total|sent|sends|received|delivered|open(?:s|ed)?|click(?:s|ed)?|score"
    r"|rating|days|months|year|age|priority|languages?|lang|locale|format|gender|salutation|title"
    r"|region|time ?zone)\b|数|數|次|语言|語言|sprache|langue|idioma"
)
_LINK: Final = re.compile(r".*\b(?:url|link|token|hash|uuid|key)")
_DETAIL: Final = re.compile(
    r".*\b(?:ip|ip address|url|link|token|hash|uuid|id|rate|method|source|referrer|page|form"
    r"|campaign|user agent|country|city|zip|price|amount|plan|tier|currency)"
)
_SUSPECT_FILE: Final = re.compile(
    r"unsub|non ?subscri|opt(?:ed)? ?out|bounce|suppress|block ?list|black ?list|blocked|complain"
    r"|\bspam|unconfirmed|cleaned|undeliver|do ?not|removed|cancell?ed|退订|退訂|黑名|拒收|投诉"
    r"|退信|abgemeldet|désabonn|désinscri|bajas|disiscri|配信停止"
)


def normalized(text: str) -> str:
    """Return `text` as it is compared: one case and form, and one space for each separator.

    `emailDisabled` and `email_disabled` both become "email disabled".
    """
    folded = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", text))
    return re.sub(r"[\s_\-]+", " ", folded).strip("\ufeff '\"?:*").casefold()


_WORDS: Final = tomllib.loads(
    resources.files(__package__).joinpath("words.toml").read_text("utf-8")
)
STATUS_WORDS: Final[Mapping[str, Status]] = {
    word: status for status, words in _WORDS["status"].items() for word in words
}
"""Normalised word -> the status it means in a column of statuses; services add their own."""

UNAMBIGUOUS: Final = frozenset(
    word for word, status in STATUS_WORDS.items() if status != "active"
) - frozenset(_WORDS["values"]["ambiguous"])
"""Words that mean one status only, whatever the heading of their column."""

FIELDS: Final[tuple[str, ...]] = tuple(_WORDS["fields"])
"""What a column can hold, beside consent."""

_FIELD_OF: Final[Mapping[str, str]] = {
    heading: field for field, others in _WORDS["fields"].items() for heading in (field, *others)
}
_STATUS_HEADINGS: Final = frozenset(_WORDS["headings"]["status"])
PLACE_HEADINGS: Final = frozenset(_WORDS["headings"]["place"])
"""Beside a column with one of these headings, `state` may be part of a country."""

_YES: Final = frozenset(_WORDS["values"]["yes"])
_NO: Final = frozenset(_WORDS["values"]["no"])
_BLANK: Final = frozenset(_WORDS["values"]["blank"])


def is_blank(cell: str) -> bool:
    """Whether a cell is empty, or says so in the way of some program."""
    word = cell.strip().casefold()
    return not word or word in _BLANK or _NEVER.fullmatch(word) is not None


def is_flag(cell: str) -> bool:
    """Whether a cell is a yes or a no."""
    return cell.strip().casefold() in _YES | _NO


def is_code(cell: str) -> bool:
    """Whether a cell is a flag or some other short code, such as 7 or A."""
    return is_flag(cell) or _CODE.fullmatch(cell.strip()) is not None


def is_time(cell: str) -> bool:
    """Whether a cell is a date or a time, in any form."""
    return _TIME.fullmatch(cell.strip()) is not None and not is_blank(cell)


def status_reader(kind: ColumnKind, words: Mapping[str, Status]) -> StatusReader:
    """Return what reads the cells of a column.

    words: normalised words and their status, beside `STATUS_WORDS`; "" for a blank cell.
    """
    known = {**STATUS_WORDS, **words}
    yes, no, blank = _FLAGS.get(kind, (None, None, None))
    blank = words.get("", blank)

    @lru_cache(maxsize=10_000)  # most columns have a few values, many times
    def read_status(cell: str) -> Status | None:
        if is_blank(cell):
            return blank
        word = cell.strip().casefold()
        if yes and normalized(cell) not in words:
            if word in _YES or is_time(cell):
                return yes
            if word in _NO:
                return no
        return known.get(normalized(cell))

    return read_status


def strictest(states: Iterable[Status]) -> Status:
    """Return the status of someone for whom several columns give one: any opt-out counts."""
    return max(states, key=_MILDEST_FIRST.index, default="active")


def field_of(heading: str) -> str | None:
    """Return the field that a column with this normalised heading holds."""
    return _FIELD_OF.get(heading)


def kind_of(heading: str) -> ColumnKind | None:
    """Return how a column with this normalised heading gives consent, if that is clear."""
    if heading in _STATUS_HEADINGS:
        return "status"
    return next((k for k, pattern in _KIND_HEADINGS.items() if pattern.fullmatch(heading)), None)


def is_about_leaving(heading: str) -> bool:
    """Whether a column with this normalised heading is about people who must not be mailed."""
    return _ABOUT_LEAVING.search(heading) is not None


def is_suspect(heading: str, *, flags: bool, codes: bool, blanks: bool) -> bool:
    """Whether a column with this normalised heading may say who can be mailed.

    flags: its cells are yes or no. codes: its cells are a few short codes, such as 7 and 0. blanks:
    some of its cells are blank.
    """
    if is_about_leaving(heading):
        return blanks or _LINK.fullmatch(heading) is None
    if _DETAIL.fullmatch(heading):
        return False
    coded = flags or (codes and not _OTHER_CODES.search(heading))
    return bool(_SUSPECT.search(heading) or (coded and _ABOUT_MAIL.search(heading)))


def is_suspect_file(name: str) -> bool:
    """Whether a file with this normalised name may list people who must not be mailed."""
    return _SUSPECT_FILE.search(name) is not None
