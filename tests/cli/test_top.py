"""`outkept top`, in a real terminal on a real daemon, and its picture by itself."""

import json
import threading
from pathlib import Path

import pytest
from rich.cells import cell_len
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from outkept.app.mirror import Mirror
from outkept.cli.top_view import Screen, picture
from tests.cli.command import in_terminal, outkept
from tests.cli.conftest import Daemon
from tests.cli.test_mirror import sensor, server, snapshot


def test_q_ends_it_and_gives_the_terminal_back(home: Path, daemon: Daemon) -> None:
    with in_terminal(home, "top", "--state", daemon.state) as terminal:
        terminal.wait_for(r"\d+ servers .*● \d+ alarmed")
        terminal.wait_for("WHAT HAPPENED")
        terminal.press("q")
        assert terminal.end() == 0


def test_ctrl_c_ends_it_too(home: Path, daemon: Daemon) -> None:
    with in_terminal(home, "top", "--state", daemon.state) as terminal:
        terminal.wait_for("● ")
        terminal.interrupt()
        assert terminal.end() == 0


def test_arrows_scroll_the_servers(home: Path, daemon: Daemon) -> None:
    with in_terminal(home, "top", "--state", daemon.state, height=16) as terminal:
        seen = terminal.wait_for(r"… \d\d more")
        terminal.press("\x1b[6~" * 9)
        # On the last page no line says that there are more.
        terminal.wait_for(r"(?s)STATUS((?!more|STATUS).)*WHAT HAPPENED", after=seen)
        terminal.press("q")
        assert terminal.end() == 0


def test_one_picture_can_be_printed(home: Path, daemon: Daemon) -> None:
    ended = outkept(home, "top", "--once", "--state", daemon.state)
    assert ended.code == 0
    assert "STATUS        SERVER" in ended.out
    assert "\x1b" not in ended.out


def test_without_a_terminal_it_says_what_to_use(home: Path, daemon: Daemon) -> None:
    ended = outkept(home, "top", "--state", daemon.state)
    assert ended.code == 2
    assert "--once" in ended.complaint


def test_without_a_daemon_it_is_one_line(home: Path) -> None:
    ended = outkept(home, "top", "--once", "--state", home)
    assert ended.code == 1
    assert "no daemon is running" in ended.complaint


def test_a_lost_connection_is_said_and_made_again(home: Path) -> None:
    """The daemon here is ours: it hangs up after each snapshot until it is told to stay."""
    stay = threading.Event()
    frames = [snapshot(server("web1", "alarmed", sensor("load", 99, "alarmed"))), {"type": "stats"}]

    def live(socket: ServerConnection) -> None:
        for frame in frames:
            socket.send(json.dumps(frame))
        if stay.is_set():
            socket.recv()

    def other(socket: ServerConnection, request: Request) -> Response | None:
        empty = '{"items": [], "next": null}'
        return None if request.path.endswith("/live") else socket.respond(200, empty)

    with serve(live, "127.0.0.1", 0, process_request=other) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        try:
            with in_terminal(home, "top", "--url", url, "--token", "x") as terminal:
                seen = terminal.wait_for(r"connection lost \(closed\); trying again")
                terminal.wait_for("web1")
                stay.set()
                terminal.wait_for(r"\d\d:\d\d:\d\d", after=seen)
                terminal.press("q")
                assert terminal.end() == 0
        finally:
            listener.shutdown()
            thread.join(5)


@pytest.mark.parametrize(("width", "height"), [(20, 5), (60, 12), (80, 24), (200, 60), (1, 1)])
def test_the_picture_fits_the_terminal(width: int, height: int) -> None:
    mirror = Mirror()
    wide = "名前" * 40
    servers = [
        server(f"{wide}{n}", "alarmed", sensor("disk", 99, "alarmed", wide)) for n in range(99)
    ]
    mirror.apply(snapshot(*servers))
    mirror.apply({"type": "event", "events": [{"id": n, "message": wide} for n in range(99)]})
    drawn = picture(mirror, Screen(width, height, "http://127.0.0.1:1", notice="lost " * 30))
    lines = drawn.plain.split("\n")
    assert len(lines) == height
    assert max(map(cell_len, lines)) <= width


def test_one_of_a_kind_is_not_many() -> None:
    mirror = Mirror()
    mirror.apply(snapshot(server("a", "web1")))
    mirror.apply({"type": "stats", "warned": 2, "alarmed": 1, "fired": 0})
    text = picture(mirror, Screen(100, 20, "http://here")).plain
    assert "2 warnings, 1 alarm, 0 reactions" in text


def test_that_reactions_are_stopped_is_said() -> None:
    mirror = Mirror()
    mirror.apply(snapshot(server("a", "web1")))
    for stopped in (False, True):
        mirror.apply({"type": "stats", "reactions_stopped": stopped})
        text = picture(mirror, Screen(100, 20, "http://here")).plain
        assert ("all reactions are stopped" in text) is stopped


def test_hostile_names_do_not_break_out_of_the_picture() -> None:
    mirror = Mirror()
    evil = "\x1b[2J\n\n[red]\u202e"
    mirror.apply(snapshot(server("a", evil, sensor(evil, 1, "alarmed"), hostname=evil)))
    mirror.apply(
        {"type": "event", "events": [{"id": 1, "type": evil, "message": evil, "at": 1e300}]}
    )
    drawn = picture(mirror, Screen(100, 30, "http://127.0.0.1:1")).plain
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn
    assert len(drawn.split("\n")) == 30
