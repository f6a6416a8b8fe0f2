"""The log of a process that keeps running: on standard error, as text or as JSON."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from typing import Final

LOG_FORMATS: Final = ("text", "json")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and the fields of the record.

    A caller passes more fields as `extra={"fields": {...}}`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def start_log(*, quiet: bool, as_json: bool = False) -> None:
    """Log to standard error; text has no times if the journal adds them."""
    handler = logging.StreamHandler()
    in_journal = bool(os.environ.get("JOURNAL_STREAM"))
    text = "%(levelname)s %(message)s" if in_journal else "%(asctime)s %(levelname)s %(message)s"
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter(text))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)  # that of libraries
    own = logging.getLogger("broadsheet")
    own.handlers, own.propagate = [handler], False
    own.setLevel(logging.WARNING if quiet else logging.INFO)
