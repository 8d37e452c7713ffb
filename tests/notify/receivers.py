"""Real receivers on loopback: a mail server, a webhook, and Debian's Alertmanager."""

import contextlib
import email
import email.policy
import http.client
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from aiosmtpd.controller import Controller

from tests.servers import free_port

Json = dict[str, Any]


@dataclass
class Webhook:
    """What was posted to it. `answer` is the status it answers with; while `hangs` is set it
    takes a request and answers nothing."""

    port: int
    posts: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: int = 200
    hangs: bool = False
    taken: int = 0
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where apprise posts JSON to."""
        return f"json://127.0.0.1:{self.port}/t0psecret"

    @property
    def titles(self) -> list[str]:
        """The titles of what was posted."""
        return [post["title"] for post in self.posts]


@contextlib.contextmanager
def webhook(port: int | None = None) -> Iterator[Webhook]:
    """A receiver of JSON posts."""
    hook = Webhook(port or free_port())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            hook.taken += 1
            if hook.hangs:
                hook.let_go.wait(30)
                return
            if hook.answer == 200:
                hook.paths.append(self.path)
                hook.headers.append(dict(self.headers))
                hook.posts.append(json.loads(body))
            self.send_response(hook.answer)
            if 300 <= hook.answer < 400:
                self.send_header("location", f"http://127.0.0.1:{hook.port}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", hook.port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield hook
        finally:
            hook.let_go.set()
            server.shutdown()
            thread.join(5)


@dataclass
class Mailbox:
    """Mails that arrived; those to whom is in `refuses` don't."""

    port: int
    refuses: set[str] = field(default_factory=set)
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        """How apprise sends a mail here."""
        return f"mailto://127.0.0.1:{self.port}?from=outkept@example.org&to=ops@example.org"

    @property
    def subjects(self) -> list[str]:
        """What the mails are about."""
        return [str(mail["subject"]) for mail in self.mails]

    @property
    def recipients(self) -> list[str]:
        """To whom they are."""
        return [str(mail["to"]) for mail in self.mails]

    async def handle_RCPT(  # noqa: N802
        self, _server: object, _session: object, envelope: Any, address: str, _options: object
    ) -> str:
        """aiosmtpd asks for a recipient."""
        if address in self.refuses:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
        """aiosmtpd hands a mail over."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@contextlib.contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A real SMTP server."""
    box = Mailbox(free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class RealAlertmanager:
    """A running Alertmanager."""

    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def alerts(self) -> list[Json]:
        """Alerts that go on."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/api/v2/alerts?active=true")
            found = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert isinstance(found, list)
        return found


@contextlib.contextmanager
def alertmanager(folder: Path, receiver: str) -> Iterator[RealAlertmanager]:
    """Debian's Alertmanager, which posts what it is told to `receiver`."""
    folder.mkdir()
    config = {
        "route": {
            "receiver": "hook",
            "group_by": ["alertname"],
            "group_wait": "1s",
            "group_interval": "1s",
        },
        "receivers": [
            {"name": "hook", "webhook_configs": [{"url": receiver, "send_resolved": True}]}
        ],
    }
    (folder / "am.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [
        "prometheus-alertmanager",
        f"--config.file={folder}/am.yml",
        f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _wait_for(port, process, folder / "log")
        yield RealAlertmanager(port)
    finally:
        process.kill()
        process.wait(5)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise TimeoutError(log.read_text())
