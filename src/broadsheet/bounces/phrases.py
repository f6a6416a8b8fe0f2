"""The words of servers' replies, for when the codes say too little or the wrong thing.

Sources: RFC 5321, and the documentation and replies of Postfix, Exim, Sendmail, qmail, Exchange,
Gmail, Yahoo, iCloud, Coremail (163.com), QQ, Aliyun and Amazon SES. Each text searched here is one
short line (`mail.MAX_REPLY_CHARS`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final


class Phrases:
    """Finds any of some patterns, ignoring case. Compiled when first used: together, all patterns
    take as long as the start of a delivery may."""

    def __init__(self, *patterns: str) -> None:
        self._patterns = patterns

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile("|".join(self._patterns), re.IGNORECASE)

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match, or None."""
        return self._compiled.search(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield all matches."""
        return self._compiled.finditer(text)

    def without(self, text: str) -> str:
        """Return `text` with a space in place of each match."""
        return self._compiled.sub(" ", text)


# Addresses, URLs and host names can contain any word.
_ADDRESSES: Final = re.compile(r"<[^<>]*>|[^\s<>@]{1,64}@[^\s<>@]{1,253}")
_NAMES: Final = re.compile(r"https?://\S*|\b(?!RESOLVER\.)[\w-]+(?:\.[\w-]+){2,}\b", re.IGNORECASE)
_BLOCKLISTS: Final = re.compile(
    r"spamhaus|spamcop|barracudacentral|sorbs|uceprotect|senderscore|\w*[dr]n?s?bl\b", re.IGNORECASE
)

_WHO: Final = (
    r"(?:e-?mail )?(?:user(?: ?name| ?id)?|mail ?box|account|recipient|rcpt|addressee"
    r"|local[ -]?part|alias)"
)
_WORD: Final = r"(?: \S{1,80})?"  # the address, where it is not written as one
_IS_NOT: Final = r"(?:is |was |has |does |do |did |could |can |doe?s)?(?:not?|n['’]t|no longer)"

_NO_MAILBOX: Final = Phrases(
    r"\b(?:no such|unknown|invalid|non-?existent|unrecogni[sz]ed|undefined|bad)"
    rf"(?: local| virtual| mail| destination)? ?(?:{_WHO}|address|person|name)",
    rf"{_WHO}s?(?: e-?mail)?(?: address(?:es)?)?{_WORD},?"
    r" ?(?:is |are |was |: ?|may be )?(?:an? )?"
    r"(?:unknown|invalid|non-?existent|not known|not valid)",
    rf"{_WHO}(?: address)?{_WORD} {_IS_NOT} ?(?:be )?"
    r"(?:exist|found|listed|known|a valid|recogni)",
    rf"\b(?:account that you tried to reach|address{_WORD}) {_IS_NOT} exist",
    r"\bnot an? (?:known|valid|local) (?:user|mail ?box|account|recipient|address)",
    r"\bno (?:mail ?box|user|account|recipient)s?(?: here)? (?:by|with|of) (?:that|this) "
    r"(?:name|address)",
    r"\bno (?:mail ?box|user|account) (?:here|named|called|for)",
    r"\b(?:user|address)(?:ee)? unknown",
    r"\b(?:does ?n['’]t|does not) have an? (?:\S{1,40} )?account",
    r"\bRESOLVER\.ADR\.\w*Recip(?:ient)?NotFound\b|\bundeliverable address\b|\bowner has changed",
    r"\bnot (?:our|local|a local) (?:user|customer|recipient)",
    r"\b(?:user|recipient) (?:is )?not local|\bhas moved\b",
    # Chinese
    r"(?:用户|用戶|收件人|邮箱|郵箱|信箱|帐号|账号|帐户|账户|帳號|帳戶|地址)[^,，。;；]{0,40}?"
    r"(?:不存在|无效|無效|未找到|找不到)",
    r"(?:查无|查無|无此|無此|没有此|不存在的?|无效的?|未知的?)"
    r"(?:此人|用户|用戶|收件人|邮箱|郵箱|信箱|帐号|账号|帐户|账户|地址)",
    # Japanese, Korean
    r"(?:宛先|受信者|ユーザー?|メールアドレス|アカウント)[^。]{0,40}?"
    r"(?:存在しません|見つかりません|不明)",
    r"(?:사용자|수신자|계정)[^.]{0,40}?(?:존재하지|없는|없습니다)",
    # German, French, Dutch
    r"\b(?:empf[äa]e?nger|benutzer|postfach|konto)\b.{0,60}?"
    r"(?:unbekannt|existiert nicht|nicht gefunden|gibt es nicht)",
    r"\bunbekannter? (?:empf[äa]e?nger|benutzer)",
    r"\b(?:utilisateur|destinataire|compte|bo[iî]te|adresse)\b.{0,60}?"
    r"(?:inconnue?|n['’]existe pas|introuvable|inexistante?)",
    r"\b(?:gebruiker|ontvanger|mailbox)\b.{0,60}?(?:onbekend|bestaat niet)",
    # Spanish, Portuguese, Italian
    r"\b(?:usuario|destinatario|buz[oó]n|cuenta|utente|casella|usu[aá]rio|destinat[aá]rio"
    r"|conta)\b.{0,60}?(?:desconocid|no existe|inexistente?|n[aã]o existe|desconhecid"
    r"|non esiste|sconosciut)",
    # Polish, Russian
    r"(?:użytkownik|adresat|skrzynka|konto)\b.{0,60}?(?:nieznan|nie istnieje)",
    r"(?:пользовател|получател|адресат|почтов|ящик|аккаунт)\w*.{0,60}?"
    r"(?:не существует|не найден|неизвест)",
)

_MERELY: Final = Phrases(r"\buser unknown\b|\bunknown user\b")

_TOO_MUCH: Final = Phrases(
    r"\bfull\b|quota|storage|\bspace\b|exceed|\blimit(?:s|ed|ing)?\b|\bsize\b|\b(?:over|under)size",
    r"\btoo (?:many|much|large|big|long|old|fast|quick|frequent|busy)|frequen|\brate\b|throttl",
    r"overload|\bvolume\b",
    r"频率|频繁|頻率|超限|超出|超过|超過|已满|已滿|满了|容量|空间|大小|いっぱい|초과|용량",
    r"\bvoll\b|[üu]e?berschritten|\bplein[es]?\b|satur|d[ée]pass|\bllen[oa]|excedid|excedeu",
    r"\bchei[oa]\b|\bpien[oa]\b|superat|przekrocz|pełn|переполн|превыш",
)
_FOR_NOW: Final = Phrases(
    r"temporar|try(?:ing)? (?:it )?(?:again|later)|\bretry|\blater\b|gr[ea]y ?-?list|defer",
    r"\bbusy\b|maintenance|not (?:currently|yet|now)|at this time|expired?\b|despite",
    r"暂时|稍后|重试|过期|一時",
)
_POLICY: Final = Phrases(
    r"spam|\bjunk\b|unsolicited|unwanted|\bbulk\b|black ?-?(?:list|hole)|white ?-?list|block",
    r"\blisted (?:at|on|in|by)\b|suppress|previously|reputation|polic(?:y|ies)|denie[sd]|forbid",
    r"prohibit|not (?:allowed|permitted|authori[sz]ed|accepted (?:from|here))|unauthori|restrict",
    r"\bban(?:ned)?\b|abus[ei]|complain|virus|malware|phish|infected|suspicious|\bcontents?\b",
    r"filter|attachment|administrative|only accepts?|explanation",
    # Coremail's codes, such as DT:SPM; but RC: is about the recipient
    r"\b(?:AL|DT|HL|MI|RP|IP|RTE?|WM):[A-Z]{2,3}\b",
    r"垃圾|拒收|拒绝|拒絕|黑名单|黑名單|信誉|策略|限制|病毒|内容|敏感|屏蔽|迷惑|拒否|스팸|차단",
    r"gesperrt|abgelehnt|bloqu|refus|limite|rechaz|bloccat|rifiutat|спам|блокир|отклон",
)
_SENDER: Final = Phrases(
    r"\b(?:spf|dkim|dmarc|ptr|r?dns|arc|tls|ssl|starttls|helo|ehlo)\b|authenti|reverse",
    r"\bsender|\bsending\b|\bsend from\b|\bmail from\b|originat|\bclient\b",
    r"\bverif|\bcall ?-?(?:out|back)",
    r"\byour (?:ip|server|domain|host|network)\b|\bIPs?\b(?: address)?",
    r"relaying|relay (?:access|not|denied|is)|not.{1,20}\brelay\b",
    r"发件人|发信|发送方|认证|验证|未授权",
)
_NO_RELAY: Final = Phrases(
    r"\brelay(?:ing)? (?:access |is )?(?:denied|not|prohibited)",
    r"(?:not|unable|cannot).{1,20}\brelay\b|allowed rcpthosts",
)
_ROUTE: Final = Phrases(
    r"time-?d? ?-?out|connect(?:ion)? (?:was |is )?(?:refus|time|lost|clos|drop|reset|fail|error)",
    r"unreachable|\bloop|\bhops?\b|\brout(?:e|ing)\b|name ?-?serv|null ?-?mx",
    r"(?:unknown|invalid|bad|no such|non-?existent|find)(?: a)? (?:\w+ )?"
    r"(?:domain|host|mx|mail exchanger)\b",
    rf"\b(?:domain|host)s?(?: name)?{_WORD} (?:is |was |has |does |could )?"
    r"(?:not|n['’]t|unknown|invalid|nonexist|been|no|mismatch)",
    r"not accept(?:ing)? (?:any )?(?:e-?)?mail",
    r"连接|超时|域名|解析",
)
_SYSTEM: Final = Phrases(
    r"service (?:is )?(?:currently |temporarily )?(?:un|not|refus|den)",
    r"system (?:err|fail|prob|not|un|inc)|misconfigur|transaction failed|no such file",
    r"(?:internal|local|configuration|server|software|protocol|syntax|processing|i/o|mailer"
    r"|script|command) (?:error|problem|failure)",
    r"could ?n[o'’]t (?:create|open|write|lock|read|access)",
    r"command (?:not|out|un|param)|sequence|syntax|not implemented|系统",
)
_SHUT: Final = Phrases(  # the mailbox exists but accepts nothing
    r"disabled?\b|suspend|\bin-?activ|dormant|frozen|\blocked\b|deactivat|discontinued|\bhold\b|unpaid",
    r"禁用|停用|冻结|锁定|отключ",
)
_SOMETHING_ELSE: Final = (_TOO_MUCH, _FOR_NOW, _POLICY, _SENDER, _ROUTE, _SYSTEM, _SHUT)


def about_something_else(words: str) -> bool:
    """Whether a server's reply gives another reason than a mailbox that does not exist."""
    if _BLOCKLISTS.search(_ADDRESSES.sub(" ", words)):
        return True
    text = _without_names(words)
    return any(reason.search(text) for reason in _SOMETHING_ELSE)


def names_no_mailbox(words: str, *, surely: bool = False) -> bool:
    """Whether a server's reply says in words that the mailbox does not exist.

    surely: whether "user unknown" alone is not enough. Mobile carriers' filters say that when they
    reject a mail.
    """
    text = _without_names(words)
    return _NO_MAILBOX.search(_MERELY.without(text) if surely else text) is not None


def refuses_to_relay(words: str) -> bool:
    """Whether a server's reply says that it accepts mail only for its own users."""
    return _NO_RELAY.search(_without_names(words)) is not None


def _without_names(words: str) -> str:
    return " ".join(_NAMES.sub(" ", _ADDRESSES.sub(" ", words)).split())
