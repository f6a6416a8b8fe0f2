"""A web server with the published feeds, a real WebSub hub, its subscriber, and a webhook."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import requests
from celery import Celery
from flask import Flask, Response, request
from flask_websub.hub import Hub, SQLite3HubStorage
from standardwebhooks.webhooks import Webhook
from werkzeug.serving import make_server

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Listeners:
    """base: the URL of the server. refusals: how many requests the webhook and the hub refuse.

    called: the id and the data of each request to the webhook that was accepted; its signature is
    verified. received: topic -> the bodies that the hub sent to its subscriber. told: the topics
    that the hub was told of. stale: path -> what is served once in place of a file.
    before_answer: `hook` or `hub` -> what happens between a request and its answer.
    """

    base: str = ""
    refusals: int = 0
    status: int = 503
    called: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    received: dict[str, list[bytes]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    stale: dict[str, bytes] = field(default_factory=dict)
    before_answer: dict[str, Callable[[], object]] = field(default_factory=dict)

    @property
    def hub(self) -> str:
        return f"{self.base}hub"

    @property
    def hook(self) -> str:
        return f"{self.base}hook"

    def subscribe(self, topic: str) -> None:
        """Subscribes at the hub, which verifies the intent (WebSub, section 5)."""
        form = {
            "hub.mode": "subscribe",
            "hub.topic": topic,
            "hub.callback": f"{self.base}callback",
            "hub.lease_seconds": "3600",
        }
        assert requests.post(self.hub, data=form, timeout=10).status_code == 202

    def refused(self) -> Response | None:
        if not self.refusals:
            return None
        self.refusals -= 1
        return Response("not\nnow", self.status, {"Location": f"{self.base}elsewhere"})


@contextmanager
def listeners(folder: Path, served: Path) -> Iterator[Listeners]:
    """Serve the folder `served` as feeds/, until the block ends. folder: for the hub's database."""
    app, found = Flask(__name__), Listeners()
    app.config["PUBLISH_SUPPORTED"] = True
    celery = Celery("hub")
    celery.conf.update(task_always_eager=True, task_eager_propagates=True)
    hub = Hub(SQLite3HubStorage(str(folder / "hub.sqlite3")), celery)

    @app.before_request
    def refuse() -> Response | None:
        if request.path == "/hub" and request.form.get("hub.mode") == "publish":
            refused = found.refused()
            if refused is None:
                found.told.append(request.form["hub.url"])
                found.before_answer.get("hub", bool)()
            return refused
        return None

    @app.get("/feeds/<path:path>")
    def feeds(path: str) -> Response:
        file = served / path
        if not file.is_file():
            return Response("no such file", 404)
        data = found.stale.pop(path, None) or file.read_bytes()
        link = f'<{found.hub}>; rel="hub", <{found.base}feeds/{quote(path)}>; rel="self"'
        return Response(data, 200, {"Link": link})

    @app.route("/callback", methods=["GET", "POST"])
    def callback() -> str:
        if request.method == "GET":
            return request.args["hub.challenge"]
        topic = request.headers["Link"].split("<")[2].split(">")[0]
        found.received.setdefault(topic, []).append(request.get_data())
        return ""

    @app.post("/hook")
    def hook() -> Response | str:
        verified = Webhook(SECRET).verify(request.get_data(), dict(request.headers))
        if refused := found.refused():
            return refused
        found.called.append((request.headers["webhook-id"], verified))
        found.before_answer.get("hook", bool)()
        return ""

    app.register_blueprint(hub.build_blueprint(url_prefix="/hub"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        found.base = f"http://127.0.0.1:{server.server_port}/"
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
