"""`outkept react` against a real daemon with real servers, and against impostors."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from outkept.cli.api import ask_list, find_daemon
from outkept.serve.auth import Role, load_secret, mint
from tests.app.harness import Site
from tests.cli.command import SIGNED, Ended, in_terminal, outkept
from tests.cli.impostor import Answer, impostor
from tests.servers import User, machine, until

WHY = ("--reason", "stuck after the deploy")


@dataclass
class Yard:
    """A daemon with web1, web2 and db1, and the folder that their commands look into."""

    folder: Path
    site: Site
    home: Path

    def react(self, *args: object) -> Ended:
        """`outkept react`, asked of this daemon."""
        return outkept(self.home, "react", *args, "--state", self.site.state)

    def actions(self) -> list[dict[str, Any]]:
        """What is written down, newest first."""
        return self.list("actions")

    def list(self, path: str) -> list[dict[str, Any]]:
        """What the daemon lists."""
        return ask_list(find_daemon(None, None, self.site.state, named=True), path, 100)


@pytest.fixture(scope="module")
def yard(ssh_user: User, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    folder = Path(tempfile.mkdtemp(dir=ssh_user.home))
    folder.chmod(0o777)
    home = tmp_path_factory.mktemp("react")
    site = Site(home / "site", ssh_user, f"127.97.{os.getpid() % 250}.0/28")
    for name, reactive in (
        ("pump", "echo pumped; printf 'no newline' >&2"),
        ("broken", r"printf '\033[31mred\033[0m\r\n\000bell\007\n\n'; exit 3"),
        ("slow", f"echo begun; while [ ! -e {folder}/go ]; do sleep 0.05; done; echo over"),
    ):
        site.sensor(name, "echo 1", alarm=10, cooldown="0s", reactive=reactive)
    site.config["ranges"] = [{"range": site.subnet, "labels": {"site": "lisbon"}}]
    site.config["reactions"] = {
        "at_once": 2,
        "share": {"fleet": "100%"},
        "latch": {"runs": 100},
    }
    with ExitStack() as stack:
        for number, name in enumerate(("web1", "web2", "db1"), 1):
            stack.enter_context(machine(name, addresses=[site.address(number)], port=site.port))
        stack.enter_context(site.process())
        found = Yard(folder, site, home)
        until(lambda: _read(found) == 9, "every sensor is read", 60)
        yield found


def _read(yard: Yard) -> int:
    if not (yard.site.state / "url").exists():
        return 0
    servers = yard.list("servers")
    return sum(one["value"] is not None for server in servers for one in server["sensors"])


def test_a_preview_shows_what_would_run_and_runs_nothing(yard: Yard) -> None:
    ended = yard.react("pump", "--on", "web*", "--on", "mail*", "--preview")
    assert ended.code == 0
    rows = r"WOULD +SERVER +STATUS +VALUE +WHY\nrun +web1 +normal +1\nrun +web2 +normal +1\n$"
    assert re.match(rows, ended.out)
    assert "The command: echo pumped; printf" in ended.err
    assert "No server is called mail*." in ended.err
    as_json = yard.react("pump", "--label", "site=lis*", "--preview", "--json")
    assert json.loads(as_json.out)["would_run"] == 3
    assert not [one for one in yard.actions() if one["sensor"] == "pump"]


def test_it_runs_and_says_what_each_server_printed(yard: Yard) -> None:
    ended = yard.react("pump", "--on", "web*", *WHY, "--yes")
    assert ended.code == 0, ended.err
    printed = ended.out.split("\n\n")[-1].splitlines()
    for name in ("web1", "web2"):
        assert f"{name}: pumped" in printed
        assert f"{name}: no newline" in printed
        assert f"{name}: done, exit status 0" in ended.err.splitlines()
    assert ended.err.splitlines()[-1] == "2 done"
    written = yard.actions()[:2]
    assert {one["reason"] for one in written} == {"stuck after the deploy"}
    assert {one["by"] for one in written} == {SIGNED}


def test_a_command_that_fails_fails_it_and_steers_no_terminal(yard: Yard) -> None:
    ended = yard.react("broken", "--on", "db1", *WHY, "--yes")
    assert ended.code == 1
    assert r"db1: \x1b[31mred\x1b[0m" + "\n" + r"db1: \x00bell\x07" in ended.out
    assert "db1: done, exit status 3" in ended.err
    assert ended.err.splitlines()[-1] == "1 done; 1 failed"
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", ended.out + ended.err)


def test_as_json_it_is_the_run(yard: Yard) -> None:
    ended = yard.react("broken", "--on", "db1", *WHY, "--yes", "--json")
    assert ended.code == 1
    (one,) = json.loads(ended.out)["servers"]
    assert (one["hostname"], one["state"], one["status"]) == ("db1", "done", 3)
    assert one["output"] == "\x1b[31mred\x1b[0m\r\n\0bell\x07\n\n"


def test_somebody_is_asked_first(yard: Yard) -> None:
    before = len(yard.actions())
    args = ("react", "pump", "--on", "web*", *WHY, "--state", yard.site.state)
    with in_terminal(yard.home, *args) as terminal:
        terminal.wait_for(r"Run it on 2 servers\? \[y/N\]")
        terminal.press("n\n")
        assert terminal.end() == 1
        assert "nothing was run" in terminal.seen
    assert len(yard.actions()) == before
    with in_terminal(yard.home, *args) as terminal:
        terminal.wait_for(r"Run it on 2 servers\?")
        terminal.press("y\n")
        assert terminal.end() == 0
        assert "web2: pumped" in terminal.seen
    assert len(yard.actions()) == before + 2


@pytest.mark.parametrize("leave", ["Ctrl-C", "Ctrl-D"])
def test_who_leaves_the_question_has_said_no(yard: Yard, leave: str) -> None:
    before = len(yard.actions())
    args = ("react", "pump", "--on", "web1", *WHY, "--state", yard.site.state)
    with in_terminal(yard.home, *args) as terminal:
        terminal.wait_for(r"Run it on 1 server\?")
        if leave == "Ctrl-C":
            status = terminal.interrupt_question()
        else:
            terminal.press("\x04")
            status = terminal.end()
        assert status == 1
        assert "outkept: nothing was run" in terminal.seen
    assert len(yard.actions()) == before


def test_nobody_who_can_be_asked_means_that_nothing_runs(yard: Yard) -> None:
    before = len(yard.actions())
    ended = yard.react("pump", "--on", "web1", *WHY)
    assert ended.code == 2
    assert "--yes" in ended.complaint
    assert len(yard.actions()) == before


def test_ctrl_c_lets_nothing_more_begin(yard: Yard) -> None:
    go = yard.folder / "go"
    go.unlink(missing_ok=True)
    args = ("react", "slow", "--on", "*", *WHY, "--yes", "--state", yard.site.state)
    with in_terminal(yard.home, *args) as terminal:
        terminal.wait_for("db1: begun")
        terminal.wait_for("web1: begun")
        terminal.interrupt()
        terminal.wait_for("Nothing more begins; it still runs on 2 servers.")
        terminal.wait_for("web2: stopped")
        go.touch()
        assert terminal.end() == 130
        assert "web1: over" in terminal.seen
        assert "2 done, 1 stopped" in terminal.seen
    assert [one["outcome"] for one in yard.actions()[:2]] == ["done", "done"]


def test_mistakes_are_one_line(yard: Yard) -> None:
    for args, code, words in (
        (("pump", "--on", "web1"), 2, "say why it is run: --reason"),
        (("pump", *WHY, "--yes"), 2, "name the servers: --on"),
        (("pump", "--label", "site", *WHY, "--yes"), 2, "write it as NAME=GLOB"),
        (("pump", "--on", "mail*", *WHY, "--yes"), 2, "no server matches"),
        (("pump", "--on", "*", *WHY, "--yes", "--override", "busy"), 2, "busy can't be overridden"),
    ):
        ended = yard.react(*args)
        assert ended.code == code, args
        assert words in ended.complaint


def test_what_is_held_everywhere_fails(yard: Yard) -> None:
    ended = yard.react("pump", "--on", "web1", "--fallback", *WHY, "--yes")
    assert ended.code == 1
    assert re.search(r"^held +web1 +normal +1 +the sensor has no fallback$", ended.out, re.M)
    assert ended.err.splitlines()[-1] == "outkept: nothing would run"


def test_a_viewers_token_runs_nothing(yard: Yard) -> None:
    token = mint(load_secret(yard.site.state), Role.VIEWER)
    ended = yard.react("pump", "--on", "web1", *WHY, "--yes", "--token", token)
    assert ended.code == 1
    assert "this needs the scope act" in ended.complaint


EVIL = "\x1b]0;owned\x07\x9b31m\u202e\ud800\x7f"


def test_a_hostile_daemon_steers_no_terminal(home: Path) -> None:
    preview = {
        "would_run": EVIL,
        "confirm": EVIL,
        "unmatched": [EVIL],
        "commands": [EVIL],
        "servers": [
            {
                "would": EVIL,
                "hostname": EVIL,
                "status": EVIL,
                "value": EVIL,
                "warnings": [EVIL],
                "reason": EVIL,
            },
            3,
        ],
    }
    lines = [
        {"type": EVIL},
        {"type": "state", "server": EVIL, "hostname": EVIL, "state": EVIL, "reason": EVIL},
        {"type": "output", "server": EVIL, "hostname": EVIL, "text": EVIL + "\n" + EVIL},
        {"type": "state", "server": EVIL, "state": EVIL, "status": EVIL, "dropped": EVIL},
        {"type": "end", "run": {"counts": {EVIL: EVIL}, "failed": EVIL}},
    ]

    def answer(path: str, headers: dict[str, str]) -> Answer:
        if path.endswith("/live"):
            return 200, {}, "".join(json.dumps(line) + "\n" for line in lines).encode()
        return 200, {}, json.dumps(preview | {"id": "x"}).encode()

    with impostor(answer) as url:
        ended = outkept(
            home, "react", "a", "--on", "*", *WHY, "--yes", "--url", url, "--token", "x"
        )
    assert ended.code == 1
    assert len(re.findall(r"^\\x1b.*: \\x1b\]0;owned", ended.out, re.M)) == 2, ended
    assert len(ended.err.splitlines()) == 5, ended
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ended.out + ended.err)


def test_a_daemon_that_breaks_off_is_one_line(home: Path) -> None:
    ends: list[tuple[bytes, str]] = [
        (b'{"type": "run"}\n', "ended before the run did"),
        (b'{"type": "ru', "in the middle of a line"),
    ]
    for body, words in ends:

        def answer(path: str, headers: dict[str, str], body: bytes = body) -> Answer:
            if path.endswith("/live"):
                return 200, {}, body
            return 200, {}, json.dumps({"id": "x", "would_run": 1}).encode()

        with impostor(answer) as url:
            ended = outkept(
                home, "react", "a", "--on", "*", *WHY, "--yes", "--url", url, "--token", "x"
            )
        assert ended.code == 1
        assert words in ended.err.splitlines()[-1]
