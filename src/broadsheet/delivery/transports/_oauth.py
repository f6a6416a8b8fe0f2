"""Access tokens of OAuth 2.0, which Google and Microsoft require instead of passwords.

A token is valid for about an hour, so a command can print a new one. Getting tokens is up to that
command: each provider has its own way, and its own tools.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

from broadsheet.delivery.transports import UnavailableError

_TIMEOUT_S = 60.0
_REUSE_S = 300.0


@dataclass(slots=True)
class TokenSource:
    """Where the token comes from. command: prints it; variable: the name of the command's own."""

    token: str = field(default="", repr=False)
    command: str = field(default="", repr=False)
    variable: str = ""
    _since: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str], name: str) -> TokenSource | None:
        """Return the source that the variables `name` and `name`_COMMAND describe, if any."""
        token, command = environment.get(name, ""), environment.get(f"{name}_COMMAND", "")
        return cls(token, command, f"{name}_COMMAND") if token or command else None

    def get(self) -> str:
        """Return a token; the command is run if there is none, or not a recent one.

        Raises UnavailableError.
        """
        with self._lock:
            if self.command and (not self.token or monotonic() - self._since > _REUSE_S):
                self.token, self._since = self._printed(), monotonic()
            return self.token

    def refuse(self) -> bool:
        """Forget a token that the server refused; return whether there may be a better one."""
        with self._lock:
            reused = bool(self.command) and monotonic() - self._since > 1
            if self.command:
                self.token = ""
            return reused

    def _printed(self) -> str:
        try:
            ran = subprocess.run(  # noqa: S603 - the environment is trusted
                shlex.split(self.command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            why = getattr(error, "strerror", None) or "it does not end"
            raise UnavailableError(f"{self.variable} cannot be run: {why}", for_good=True) from None
        token = ran.stdout.decode("ascii", "replace").strip()
        if ran.returncode or not token or not token.isprintable() or " " in token:
            what = f"{self.variable} printed no token (exit code {ran.returncode})"
            raise UnavailableError(what)
        return token
