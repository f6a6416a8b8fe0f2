"""A stand-in for the API of Resend, on loopback, as its documentation describes it.

It accepts mail once for each idempotency key and answers as before to a repetition.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "re_123456789_0123456789abcdef"


@dataclass
class ResendStandIn:
    """port: where it listens. accepted: the mails, in order. requests: how many came.

    errors: answers to give to the next requests, status and name. lose: how many answers to lose
    after the mail was accepted. connections: how many were opened.
    """

    port: int = 0
    accepted: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    connections: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)
    lose: int = 0
    keys: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def answer(self, key: str, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Return status and body of an answer; https://resend.com/docs/api-reference/errors."""
        with self.lock:
            self.requests += 1
            if self.errors:
                status, name = self.errors.pop(0)
                return status, error(status, name, f"an error called {name}")
            if authorization != f"Bearer {KEY}":
                return 401, error(401, "validation_error", "API key is invalid")
            if key in self.keys:
                same, id_ = self.keys[key]
                if same != body:
                    return 409, error(409, "invalid_idempotent_request", "a different payload")
                return 200, {"id": id_}
            mail = json.loads(body)
            for name in ("from", "to", "subject"):
                if name not in mail:
                    return 422, error(422, "missing_required_field", f"Missing `{name}` field")
            if "html" not in mail and "text" not in mail:
                return 422, error(422, "missing_required_field", "Missing `html` or `text` field")
            if mail["to"][0].endswith("@invalid.example"):
                return 422, error(422, "validation_error", "Invalid `to` field: unknown domain")
            id_ = f"49a3999c-{len(self.accepted):04}"
            if key:
                self.keys[key] = (body, id_)
            self.accepted.append({**mail, "key": key})
            return 200, {"id": id_}


def error(status: int, name: str, message: str) -> dict[str, Any]:
    return {"statusCode": status, "name": name, "message": message}


@contextmanager
def resend_api() -> Iterator[ResendStandIn]:
    """Run the stand-in during the block."""
    found = ResendStandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def setup(self) -> None:
            super().setup()
            found.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            key = self.headers.get("Idempotency-Key", "")
            assert len(key) <= 256
            if self.path != "/emails":
                status, said = 404, error(404, "not_found", "The endpoint does not exist")
            else:
                status, said = found.answer(key, self.headers.get("Authorization", ""), body)
            if found.lose and status == 200:
                found.lose -= 1
                self.close_connection = True
                return
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
