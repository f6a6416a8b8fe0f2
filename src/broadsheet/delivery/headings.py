"""What the heading of a column says of what is in it, in any list from anywhere.

Headings are in the form of `consent.plain`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from broadsheet.delivery.consent import Kind

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "address": (
        "email", "e mail", "mail", "email address", "e mail address", "mail address",
        "subscriber email", "subscriber", "email id", "courriel", "e post", "correo",
        "correo electrónico", "邮箱", "邮件", "电子邮件", "电子邮箱", "邮箱地址", "邮件地址",
        "電子郵件", "電子郵箱", "電郵", "信箱", "メール", "メールアドレス", "이메일",
    ),
    "name": (
        "full name", "fullname", "display name", "姓名", "名字", "名称", "昵称", "名稱", "暱稱",
        "名前", "氏名", "이름",
    ),
    "first": ("first name", "firstname", "given name", "vorname", "prénom", "名"),
    "last": ("last name", "lastname", "surname", "family name", "nachname", "nom", "姓"),
    "language": ("lang", "locale", "语言", "語言"),
    "topics": ("topic", "interests", "主题", "话题", "主題", "話題"),
    "digests": ("digest", "lists", "newsletters", "周报", "简报", "週報", "簡報"),
    "since": (),
    "cause": (),
}  # fmt: skip
"""What a column can be: the name of the field, and the headings that are taken for it too."""

PLACES: Final = frozenset(
    ("city", "zip", "zip code", "postal code", "postcode", "country", "street", "address line 1")
)
"""Beside one of these, `state` may be a part of a country."""

_FIELD_OF: Final = {
    heading: field for field, others in FIELDS.items() for heading in (field, *others)
}
_STATUS: Final = frozenset((
    "status", "state", "subscription status", "subscriber status", "email status", "mail status",
    "e mail status", "list status", "global status", "contact status", "member status",
    "subscription state", "subscriber state", "subscriber type", "marketing status",
    "email marketing status", "newsletter status", "consent status", "opt in status",
    "email subscriber status", "email subscription status",
    "状态", "订阅状态", "邮件状态", "訂閱狀態", "狀態", "anmeldestatus", "statut", "estado",
    "stato", "状態", "상태", "статус",
))  # fmt: skip
_AT: Final = "(?: (?:at|on|date|time|datetime|timestamp))?"
_OPTED_OUT: Final = (
    "(?:(?:is|has|user|global|date|time|e ?mail) )?"
    "(?:unsub|unsubscribed?|opt(?:ed)? ?out|blacklist(?:ed)?|blocklist(?:ed)?|suppressed)" + _AT,
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
)
_BOUNCED: Final = (
    "(?:(?:is|has|e ?mail) )?(?:hard )?bounced" + _AT,
    "(?:hard )?bounce (?:date|time)",
    "cleaned|clean(?:ed)? (?:at|date|time)",
    "undeliverab(?:le|ility)" + _AT,
    "已?退信(?:时间|時間)?",
)
_COMPLAINED: Final = (
    "(?:(?:is|has) )?complain(?:ed|t)" + _AT,
    "spam complaint|spam report",
    "(?:marked|reported)(?: as)? spam",
    "投诉|投訴",
)
_CONFIRMED: Final = (
    "(?:(?:is|e ?mail) )?(?:confirmed|double ?opt(?:ed)? ?in|opt ?in confirmed)" + _AT,
    "(?:是否)?已?(?:确认|確認)",
)
_OPTED_IN: Final = (
    "(?:(?:is|e ?mail) )?(?:subscribed|opt(?:ed)? ?in)" + _AT,
    "subscribe",
    "(?:(?:e ?mail|marketing|e ?mail marketing|gdpr|newsletter) )?consent",
    "accepts (?:e ?mail )?marketing",
    "(?:e ?mail )?marketing(?: opt ?in)?",
    "newsletter(?: (?:opt ?in|subscription|subscribed))?",
    "(?:receives?|wants) (?:e ?mails?|newsletters?)",
    "subscribed to (?:e ?mails?|newsletters?)",
    "(?:是否|已)?(?:订阅|訂閱)|同意",
)
_KINDS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("opted-out", re.compile("|".join(_OPTED_OUT))),
    ("bounced", re.compile("|".join(_BOUNCED))),
    ("complained", re.compile("|".join(_COMPLAINED))),
    ("confirmed", re.compile("|".join(_CONFIRMED))),
    ("opted-in", re.compile("|".join(_OPTED_IN))),
)
_SUSPECT: Final = re.compile(
    r"subscri|unsub|\bopt(?:ed|s)? ?(?:in|out)|optin|optout|consent|permission|gdpr|\bdnc\b"
    r"|\bstat(?:us|e)\b|bounc|complain|\bspam|block|black ?list|suppress|disabled?\b|enabled?\b"
    r"|\b(?:in)?active\b|activated|delet|remov|\bclean|confirm|verif|approv|marketing|\bdo ?not\b"
    r"|deliverab|mailable|accept|\ballow|\breceives?\b|newsletter|cancel|churn|\bbanned\b|suspend"
    r"|\bpaused?\b|exclude|\bleft\b|\bquit\b|frequency|\bok to|can ?be|contactable|agree"
    r"|状态|狀態|状態|订|訂|退|同意|拒|黑名|屏蔽|投诉|投訴|激活|确认|確認|有效|删|刪|停|注销|禁|许可"
    r"|abmeld|anmeld|abbestell|einwillig|gesperrt|bestätig|zustimm|austrag|désab|désins|inscri"
    r"|statut|\bétat|\bestado|\bbaja|suscri|\bstato|iscri|descadast|aktiv|\bactif|\bactivo"
    r"|購読|配信|解除|동의|수신|구독|статус|подпис|отпис|соглас|актив"
)
_ABOUT_MAIL: Final = re.compile(
    r"mail|news|letter|contact|notif|promo|offer|update|mkt|\bpref|send|advert|digest|\blist"
    r"|邮|郵|信|通知|推送|接收|接受|メール|메일|рассыл"
)
_ABOUT_LEAVING: Final = re.compile(
    r"unsub|\bopt(?:ed|s)? ?out|bounc|complain|\bspam|block|black ?list|suppress|delet|remov|cancel"
    r"|\bclean|\bdo ?not\b|退|拒|黑名|投诉|投訴|删|刪|abmeld|abbestell|désab|désins|disiscri|отпис"
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


def field_of(name: str) -> str | None:
    """The field that a column with this heading holds."""
    return _FIELD_OF.get(name)


def kind_of(name: str) -> Kind | None:
    """How a column with this heading says who may be mailed, where that is clear."""
    if name in _STATUS:
        return "status"
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(name)), None)


def is_about_leaving(name: str) -> bool:
    """Whether a column with this heading tells something of those who are not to be mailed."""
    return _ABOUT_LEAVING.search(name) is not None


def is_suspect(name: str, *, flags: bool, blanks: bool) -> bool:
    """Whether a column with this heading may say who may be mailed; not only how or from where.

    flags: it holds nothing but yes and no. blanks: some of its cells are blank.
    """
    if is_about_leaving(name):
        return blanks or _LINK.fullmatch(name) is None
    if _DETAIL.fullmatch(name):
        return False
    return bool(_SUSPECT.search(name) or (flags and _ABOUT_MAIL.search(name)))


def is_suspect_file(name: str) -> bool:
    """Whether a file of this name may be a list of people who must not be mailed."""
    return _SUSPECT_FILE.search(name) is not None
