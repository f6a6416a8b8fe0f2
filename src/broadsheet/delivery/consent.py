"""What a cell of somebody else's list says about consent: the state of a subscription.

Every service has its own columns: a status in words, the time of an opt-out, a flag for or against.
Each is one of the `Kind`s below. A cell that no kind understands has no state (None): nobody is
mailed on a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal, get_args

from broadsheet.delivery.subscribers import Status

Kind = Literal["status", "opted-in", "opted-out", "confirmed", "bounced", "complained"]
"""status: in words. The others: yes, no or a time; all but `opted-in` may be blank for no."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

Reading = Callable[[str], Status | None]
"""The state that a cell (stripped) says; None if it says none that is known."""

_BY_STATUS: Final[dict[Status, str]] = {
    "active": """
        active, subscribed, confirmed, enabled, opted in, opt in, subscribe
        已订阅, 订阅, 订阅中, 正常, 有效, 激活, 已激活, 已确认
        已訂閱, 訂閱, 訂閱中, 啟用, 已確認
        aktiv, angemeldet, abonniert, bestätigt, inscrit, abonné, actif, confirmé, suscrito, activo
        inscrito, ativo, iscritto, attivo, 購読中, 登録済み, 구독중, 구독 중, подписан, активен
    """,
    "pending": """
        pending, unconfirmed, not confirmed, unactivated, needs confirmation, needs approval
        awaiting confirmation, confirmation pending, pending confirmation, invited, validating
        never subscribed, not subscribed, non subscribed, nonsubscribed, transactional, not opted in
        待确认, 未确认, 未激活, 待验证, 待確認, 未確認, 未啟用, 未订阅, 未訂閱
        unbestätigt, non confirmé, sin confirmar, non confermato, не подтвержден
    """,
    "unsubscribed": """
        unsubscribed, unsubscribe, opted out, opt out, optout, blocklisted, blacklisted, suppressed
        blocked, removed, deleted, disabled, cancelled, canceled, archived, left
        do not mail, do not email, do not contact, email disabled
        已退订, 退订, 取消, 已取消, 取消订阅, 已取消订阅, 黑名单, 拒收
        禁用, 已禁用, 删除, 已删除, 停用
        已退訂, 退訂, 取消訂閱, 已取消訂閱, 黑名單, 停用, 已刪除
        abgemeldet, gesperrt, gekündigt, désabonné, désinscrit, baja, cancelado, desuscrito
        disiscritto, cancellato, descadastrado, 配信停止, 解除, 退会, 수신거부, 구독취소, отписан
    """,
    "bounced": """
        bounced, bounce, hard bounce, hard bounced, cleaned, undeliverable, invalid, invalid email
        退信, 无效, 無效, 無法投遞, unzustellbar, rebotado, rejeté
    """,
    "complained": """
        complained, complaint, spam, spam complaint, marked as spam, reported spam, junk, abuse
        投诉, 已投诉, 垃圾邮件, 投訴, 檢舉
    """,
}
WORDS: Final[Mapping[str, Status]] = {
    word.strip(): status
    for status, words in _BY_STATUS.items()
    for word in words.replace("\n", ",").split(",")
    if word.strip()
}
"""The words for each state; services add their own."""

_YES: Final = frozenset((
    "1", "1.0", "true", "t", "yes", "y", "on", "x", "✓", "✔", "是", "对", "真", "有", "ja",
    "wahr", "oui", "vrai", "si", "sí", "sim", "verdadero", "verdadeiro", "vero", "はい", "예",
    "да", "истина",
))  # fmt: skip
_NO: Final = frozenset((
    "0", "0.0", "false", "f", "no", "n", "off", "none", "never", "否", "不", "假", "无", "無",
    "nein", "falsch", "non", "faux", "não", "nao", "falso", "いいえ", "아니오", "нет", "ложь",
))  # fmt: skip
_NOTHING: Final = frozenset(
    ("null", "nil", "nan", "n/a", "na", "-", "--", "—", r"\n", "undefined", "#n/a", "nat")
)
_TIME: Final = re.compile(
    r"""
    \d{4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,2}.* |  # 2024-05-01 09:30:00 UTC
    \d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.* |          # 5/1/24
    \d{1,2}[ -][^\W\d_]{3,9}[ -.,]+\d{2,4}.* |   # 1 May 2024
    (?:[^\W\d_]{3,9},?[ ])?[^\W\d_]{3,9}[ ]\d{1,2},?[ ].*\d{4}.* |  # Wed May 1 2024, May 1, 2024
    [12]\d{9}(?:\d{3})?(?:\.\d+)?                # seconds or milliseconds from 1970
    """,
    re.VERBOSE | re.DOTALL,
)
_NEVER: Final = re.compile(r"0000-00-00.*|0001-01-01.*")  # how databases write no time

_FLAGS: Final[Mapping[Kind, tuple[Status, Status, Status | None]]] = {
    # yes or a time, no, blank
    "opted-in": ("active", "unsubscribed", None),
    "opted-out": ("unsubscribed", "active", "active"),
    "confirmed": ("active", "pending", "pending"),
    "bounced": ("bounced", "active", "active"),
    "complained": ("complained", "active", "active"),
}
_WEIGHT: Final[tuple[Status, ...]] = (
    "active",
    "pending",
    "bounced",
    "unsubscribed",
    "complained",
)


def plain(text: str) -> str:
    """`text` as it is compared: one case, one form, one kind of space; `emailDisabled` is two."""
    folded = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", text))
    return re.sub(r"[\s_\-]+", " ", folded).strip("\ufeff '\"?:*").casefold()


def is_blank(cell: str) -> bool:
    """Whether a cell holds nothing, in the way of some program."""
    word = cell.strip().casefold()
    return not word or word in _NOTHING or _NEVER.fullmatch(word) is not None


def is_flag(cell: str) -> bool:
    """Whether a cell is a yes or a no."""
    word = cell.strip().casefold()
    return word in _YES or word in _NO


def is_time(cell: str) -> bool:
    """Whether a cell is a day or a time, in any form."""
    return _TIME.fullmatch(cell.strip()) is not None and not is_blank(cell)


def reading(kind: Kind, words: Mapping[str, Status]) -> Reading:
    """How to read the cells of a column. words: in the form of `plain`, beside `WORDS`."""
    known = {**WORDS, **words}
    yes, no, blank = _FLAGS.get(kind, (None, None, None))
    blank = words.get("", blank)

    @lru_cache(maxsize=10_000)  # most columns have a few values, many times
    def read(cell: str) -> Status | None:
        if is_blank(cell):
            return blank
        word = cell.strip().casefold()
        if yes and plain(cell) not in words:
            if word in _YES or is_time(cell):
                return yes
            if word in _NO:
                return no
        return known.get(plain(cell))

    return read


def strictest(states: Iterable[Status]) -> Status:
    """The state of somebody of whom several columns speak: any opt-out counts."""
    return max(states, key=_WEIGHT.index, default="active")
