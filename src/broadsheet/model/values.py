"""Types of config values that cannot be invalid: their constructors raise ValueError.

Those of the publication are in `publication`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from string import Formatter
from typing import Any, ClassVar, Self, get_args
from urllib.parse import urlsplit

from broadsheet.registry import Registry

_IDENTIFYING = frozenset(["slug", "filename", "slug_or_filename", "slug_or_title", "path", "title"])
PERMALINK_TOKENS = _IDENTIFYING | {
    *("year", "month", "day", "month_number", "day_number", "month_name", "day_of_year"),
    *("hour", "minute", "second", "section", "sections", "folders", "categories"),
}
_PART = re.compile(r"(?:(?<=^sections)|(?<=^categories))\[(?:-?\d+|\d*:(?:-?\d+)?)\]$")


class Permalink(str):
    """A pattern of an article's URL under `publication.url`, such as /posts/{slug}/."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError for an unknown token, or none that identifies an article."""
        tokens = {_PART.sub("", token) for token in re.findall(r"\{(.*?)\}", text)}
        if unknown := sorted(tokens - PERMALINK_TOKENS):
            known = ", ".join(f"{{{token}}}" for token in sorted(PERMALINK_TOKENS))
            raise ValueError(f"unknown token {{{unknown[0]}}}; known tokens: {known}")
        if not tokens & _IDENTIFYING:
            raise ValueError(f"{text!r} gives all articles the same URL; add {{slug}}")
        return super().__new__(cls, text)


class ShortcodeTemplate(str):
    """The text that replaces a template tag: Markdown or HTML with arguments in braces."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError for an unmatched brace, or for anything but a name in braces."""
        try:
            fields = [*Formatter().parse(text)]
        except ValueError:
            raise ValueError(
                f"{text!r} has an unmatched brace; write {{{{ and }}}} for literal braces"
            ) from None
        names = [name for _, name, _, _ in fields if name is not None]
        if wrong := [n for n in names if not re.fullmatch(r"[\w-]+", n, re.ASCII)]:
            raise ValueError(
                f"{{{wrong[0]}}} is not an argument; write a name, such as {{src}}, or a position, "
                "such as {0}"
            )
        if any(kind or conversion for _, _, kind, conversion in fields):
            raise ValueError(
                f"{text!r} has a format after an argument; write only its name in braces"
            )
        if names.count("inner") > 1:
            raise ValueError("{inner} occurs twice; use it once")
        return super().__new__(cls, text)


_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@midnight": "0 0 * * *",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


PER_ARTICLE = "per-article"


class Schedule(str):
    """A cron expression of five fields (crontab(5)), or one of its nicknames such as @weekly.

    Or `per-article`, which has no ticks.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError for an invalid expression, or one that never occurs."""
        from cronsim import CronSim, CronSimError  # 10 ms, which only a config with digests needs

        if text == PER_ARTICLE:
            return super().__new__(cls, text)
        expression = _NICKNAMES.get(text.strip().lower(), text)
        try:
            next(CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration) as error:
            raise ValueError(
                f"{text!r} is not a valid schedule ({str(error) or 'it never occurs'}); "
                'write one like "0 8 * * MON" (minute, hour, day, month, weekday) or "per-article"'
            ) from None
        if len(expression.split()) != 5:
            raise ValueError(f"{text!r} needs five fields: minute, hour, day, month, weekday")
        return super().__new__(cls, text)

    @property
    def expression(self) -> str:
        """The five fields; those of `per-article` are "per-article"."""
        return _NICKNAMES.get(self.strip().lower(), str(self))

    @property
    def is_per_article(self) -> bool:
        """Whether each article has an issue of its own."""
        return self == PER_ARTICLE


class SmtpUrl(str):
    """The URL of the mail server: smtp://host:port, or smtps:// for TLS from the start."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError, with an example, for any other text."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), 0
        if parts.username or parts.password:
            raise ValueError(
                "user and password do not belong in the config; set BROADSHEET_SMTP_USER and "
                "BROADSHEET_SMTP_PASSWORD in the environment"
            )
        wrong = parts.scheme not in {"smtp", "smtps"} or not parts.hostname or port == 0
        if wrong or parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError(f"invalid mail server {text!r}; write one like smtp://localhost:25")
        return super().__new__(cls, text)

    @property
    def host(self) -> str:
        """The host name or IP address of the server."""
        return urlsplit(self).hostname or ""

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted from the start."""
        return urlsplit(self).scheme == "smtps"

    @property
    def port(self) -> int:
        """The port; by default that of the scheme."""
        return urlsplit(self).port or (465 if self.tls else 25)


class DestinationAddress(str):
    """Where `publish` copies to: the path of a folder, or a URL such as s3://bucket/feeds."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError for an empty text, or one with a password."""
        if not text.strip():
            raise ValueError("it is empty; write a folder or a URL, like s3://bucket/feeds")
        if re.search(r"//[^/@\s]*:[^/@\s]*@", text):
            raise ValueError(
                "a password does not belong in the config; set it in the environment "
                "(docs/publishing.md)"
            )
        return super().__new__(cls, text)

    @property
    def scheme(self) -> str:
        """The scheme of the URL; "" for a path."""
        found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", self)  # C:\ is not a scheme
        return found[1].lower() if found else ""


class RegisteredName(str):
    """The name of a module of ours or of a plugin. but: names that are not for this key."""

    __slots__ = ()
    registry: ClassVar[Registry]
    but: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError, with the names of our modules, for an unknown name."""
        if text in cls.but or text not in cls.registry:
            raise ValueError(f"unknown value {text!r}; write {' or '.join(map(repr, cls.known()))}")
        return super().__new__(cls, text)

    @classmethod
    def known(cls) -> list[str]:
        """Return the names of our modules."""
        return [name for name in cls.registry.own if name not in cls.but]


def plain_type(hint: Any) -> Any:
    """Return the type inside Annotated and Optional."""
    if hasattr(hint, "__metadata__"):
        return plain_type(get_args(hint)[0])
    if type(None) in get_args(hint):
        return plain_type(next(part for part in get_args(hint) if part is not type(None)))
    return hint
