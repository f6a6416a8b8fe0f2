"""The ledger of announcements: what each hub and webhook was notified of.

It holds states, not events: for each target and URL, the last digest that was announced. What
differs from the published files is due, so a run that is killed at any instant misses nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from broadsheet.errors import Problem, PublishError
from broadsheet.storage import folders, writing

LEDGER: Final = "broadsheet-announced.json"
"""Beside the config; it belongs in git or a backup."""

_DIGITS: Final = 16  # of a digest
_FIRST_WAIT_S: Final = 300
_LONGEST_WAIT_S: Final = 6 * 3600


class TargetRecord(msgspec.Struct, omit_defaults=True):
    """announced: URL -> start of the digest. failures: in a row. not_before: the next attempt."""

    announced: dict[str, str] = {}
    failures: int = 0
    not_before: datetime | None = None


class AnnouncementLedger:
    """The ledger of a project. Methods raise PublishError if it cannot be read or written."""

    def __init__(self, root: Path) -> None:
        self._file = root / LEDGER
        self._targets: dict[str, TargetRecord] = {}
        try:
            data = folders.content(self._file)
            self._targets = msgspec.json.decode(data, type=dict[str, TargetRecord])
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError) as error:
            todo = "restore it, or delete it: everything is then announced again"
            raise PublishError(Problem(f"it cannot be read ({error})", todo, LEDGER)) from error

    def record_of(self, target: str) -> TargetRecord:
        """Return what is known of `target`."""
        return self._targets.get(target) or TargetRecord()

    def due(self, target: str, digests: Mapping[str, str]) -> dict[str, str]:
        """Return those of `digests` (URL -> digest) that `target` was not notified of."""
        announced = self.record_of(target).announced
        return {url: d for url, d in digests.items() if announced.get(url) != d[:_DIGITS]}

    def waits_until(self, target: str, now: datetime) -> datetime | None:
        """Return the time of the next attempt, if it is still to come."""
        until = self.record_of(target).not_before
        return until if until and until > now else None

    def record(self, target: str, digests: Mapping[str, str], gone: Collection[str]) -> None:
        """Record that `target` accepted `digests`. gone: URLs that no longer exist."""
        new = {url: digest[:_DIGITS] for url, digest in digests.items()}
        known = {**self.record_of(target).announced, **new}
        kept = {url: known[url] for url in sorted(known.keys() - gone)}
        self._targets[target] = TargetRecord(kept)
        self._save()

    def record_failure(self, target: str, now: datetime) -> datetime:
        """Record a failed attempt; return when to try again: after 5 minutes, then 10, ..., 6 h."""
        record = self._targets[target] = self.record_of(target)
        record.failures += 1
        wait_s = min(_FIRST_WAIT_S * 2 ** min(record.failures - 1, 20), _LONGEST_WAIT_S)
        record.not_before = now + timedelta(seconds=wait_s)
        self._save()
        return record.not_before

    def _save(self) -> None:
        data = msgspec.json.encode(dict(sorted(self._targets.items())))
        try:
            writing.write(self._file, msgspec.json.format(data, indent=1) + b"\n")
        except OSError as error:
            what = f"it cannot be written: {error.strerror}"
            raise PublishError(Problem(what, "fix it and run again", LEDGER)) from error
