"""`outkept replay`: what it prints, and how it says what is wrong."""

import asyncio
import contextlib
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from outkept.model.reading import Reading, Sample
from outkept.model.server import Endpoint, Facts, Identity, Server
from outkept.store import Store
from tests.cli.command import in_terminal, outkept
from tests.cli.conftest import Daemon
from tests.servers import until

START = 1_699_999_200
SENSORS = """\
- {name: load, cmd: echo 1, warning: 5, alarm: 10, reactive: systemctl restart load, cooldown: 10s}
- {name: plugin, cmd: echo 1, parse: nagios}
"""
CONFIG = """\
ranges: [127.0.0.1]
state: ./state
sensors: {libraries: [./lib]}
"""
KEYS = Path(__file__).parents[2] / "docs" / "replay.md"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two servers' readings: web1 alarms three times, web2 is warned once."""
    home = tmp_path_factory.mktemp("home")
    (home / "lib").mkdir()
    (home / "lib" / "own.yaml").write_text(SENSORS)
    (home / "config.yaml").write_text(CONFIG)
    asyncio.run(_record(home / "state"))
    return home


async def _record(state: Path) -> None:
    store = Store.open(state)
    for number in (1, 2):
        identity = Identity("", hostname=f"web{number}")
        endpoint = Endpoint(f"10.0.0.{number}")
        store.save_server(
            Server(f"{number:012x}", identity, Facts(), (endpoint,), "ops", START, START)
        )
    for minute in range(60):
        at = START + 60.0 * minute
        high = 12.5 if minute in (10, 20, 30) else 1.0
        store.add_readings(
            [
                _reading("1", "load", at, high),
                _reading("2", "load", at, 6.0 if minute == 40 else 1.0),
                _reading("1", "plugin", at, 1.0),
            ]
        )
    await store.flush()
    await store.close()


def _reading(server: str, sensor: str, at: float, value: float) -> Reading:
    return Reading(server.zfill(12), sensor, at, (Sample(None, value),))


def test_it_says_what_would_have_happened_and_where(recorded: Path) -> None:
    ended = outkept(recorded, "replay", "--from", START, "--mode", "on")
    assert ended.code == 0
    assert "(59m 1s), 2 servers:" in ended.out
    said = "load would have alarmed 3 times and run its reaction 3 times, on web1 (3)."
    assert said in ended.out
    assert re.search(r"^load +3 +1 +4 +3m 0s +3 +0 +2$", ended.out, re.M)
    assert "plugin was not replayed: its command judges" in ended.err


def test_what_is_proposed_stands_beside_what_is_configured(recorded: Path) -> None:
    ended = outkept(
        recorded, "replay", "--from", START, "--set", "load.alarm=20", "--set", "load.for=2"
    )
    assert ended.code == 0
    assert "As configured: 3 alarms and 1 warning on 2 servers, 3 reactions." in ended.out
    assert "As proposed: 0 alarms and 0 warnings on 0 servers, 0 reactions." in ended.out
    assert "3 alarms fewer, 1 warning fewer, 3 reactions fewer" in ended.out
    assert re.search(r"^load +3 → 0 +1 → 0 ", ended.out, re.M)
    assert "Reactions are in dry run" in ended.err
    (recorded / "new.yaml").write_text(
        CONFIG + "reactions: {mode: on, latch: {runs: 1, within: 1d}}\n"
    )
    ended = outkept(
        recorded, "replay", "--from", START, "-c", "new.yaml", "--compare", "config.yaml"
    )
    assert "The difference: 2 reactions fewer." in ended.out
    assert re.search(r"^latched, as proposed +1 +it is latched until", ended.out, re.M)


def test_events_list_every_change_and_decision(recorded: Path) -> None:
    ended = outkept(recorded, "replay", "--from", START, "--server", "10.0.0.1", "--events")
    lines = [line for line in ended.out.splitlines() if "web1: load" in line]
    assert [line.split()[2] for line in lines] == ["alarmed", "reaction", "recovered"] * 3
    assert "would have run its reaction: is 12.5 >= 10 (alarmed)" in lines[1]


def test_json_has_the_keys_that_are_documented(recorded: Path) -> None:
    ended = outkept(
        recorded, "replay", "--from", START, "--json", "--events", "--set", "load.cooldown=1d"
    )
    found = json.loads(ended.out)
    documented = KEYS.read_text()
    for key in (*found, *found["configurations"][1], *found["configurations"][1]["sensors"][0]):
        assert f"`{key}`" in documented or f'"{key}"' in documented, key
    configured, proposed = found["configurations"]
    assert (configured["name"], proposed["name"]) == ("as configured", "as proposed")
    assert proposed["total"]["held"] == [
        {"guard": "cooldown", "times": 2, "example": proposed["total"]["held"][0]["example"]}
    ]
    assert configured["sensors"][0]["servers"] == [
        {"id": "1".zfill(12), "hostname": "web1", "alarms": 3, "warnings": 0, "reactions": 3},
        {"id": "2".zfill(12), "hostname": "web2", "alarms": 0, "warnings": 1, "reactions": 0},
    ]
    assert [one["type"] for one in proposed["events"]].count("held") == 2
    assert found["not_replayed"][0]["sensor"] == "plugin"
    assert (found["from"], found["to"], found["readings"]) == (START, START + 3541, 120)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "laod.alarm=3"], "there is no sensor 'laod'; did you mean 'load'?"),
        (["--set", "load.alrm=2"], "did you mean 'alarm'?"),
        (["--from", "yesterday"], "--from 'yesterday' is not a time; write it as -7d"),
        (["--server", "db*"], "no server that is known matches --server"),
        (["--sensor", "lod"], "no sensor that was read matches --sensor"),
    ],
)
def test_a_wrong_option_is_told_in_a_line(recorded: Path, arguments: list[str], said: str) -> None:
    ended = outkept(recorded, "replay", "--from", START, *arguments)
    assert ended.code == 2
    assert said in ended.complaint
    assert not ended.out


def test_where_there_is_nothing_to_replay_that_is_said(recorded: Path, home: Path) -> None:
    ended = outkept(home, "replay")
    assert ended.code == 1
    assert "holds no outkept.db: name the daemon's state directory with --state" in ended.complaint
    ended = outkept(recorded, "replay", "--from", "-1h")
    assert ended.code == 1
    assert "nothing is recorded of that time, but from 2023-11-14" in ended.complaint


def test_a_state_of_earlier_days_is_refused(recorded: Path, home: Path) -> None:
    (home / "state").mkdir()
    (home / "state" / "outkept.db").write_bytes((recorded / "state" / "outkept.db").read_bytes())
    with closing(sqlite3.connect(home / "state" / "outkept.db")) as connection:
        connection.execute("PRAGMA user_version = 2")
    ended = outkept(home, "replay", "--state", "state")
    assert ended.code == 1
    assert "older Outkept" in ended.complaint


Said = set[tuple[float, str, str, str, str]]


def said_and_replayed(daemon: Daemon, home: Path) -> tuple[Said, Said]:
    """The changes of levels that a daemon told, and those of a replay beside it, without the last
    seconds: what is in neither of them yet. Series that flapped, or were reacted on, are left out,
    because only tenths of a second are recorded: when one is steady again hangs on less, and the
    simulated command is over, and its sensor read again, within the same tenth."""
    state = ("--state", daemon.state)
    replayed = json.loads(outkept(home, "replay", *state, "--json", "--events").out)
    told = json.loads(outkept(home, "events", *state, "--json", "--limit", 10_000).out)
    both = (told, replayed["configurations"][0]["events"])
    apart = {
        series_of(one) for events in both for one in events if one["type"] in ("flapping", "fired")
    }
    found: list[Said] = [
        {
            (int(one["at"] * 10 + 1e-3) / 10, *(one[key] for key in KEYS_OF_SAID))
            for one in events
            if one["type"] in ("warned", "alarmed", "recovered")
            and one.get("condition") in (None, "level")
            and one["at"] < replayed["to"] - 3
            and series_of(one) not in apart
        }
        for events in both
    ]
    return found[0], found[1]


def series_of(event: dict[str, Any]) -> tuple[str, str]:
    return event["server"], event["sensor"]


KEYS_OF_SAID = ("type", "server", "sensor", "message")


def test_beside_a_daemon_it_says_what_the_daemon_said(daemon: Daemon, home: Path) -> None:
    seen: list[tuple[Said, Said]] = []

    def alike() -> bool:
        said, replayed = said_and_replayed(daemon, home)
        seen.append((said, replayed))
        return len(said) > 4 and replayed == said

    # A busy machine may take more than those seconds to write a reading down. What was said
    # wrongly once would stay among what was said.
    with contextlib.suppress(TimeoutError):
        until(alike, "both say the same", 120)
    said, replayed = seen[-1]
    assert replayed == said


def test_a_terminal_sees_how_far_it_is(recorded: Path) -> None:
    with in_terminal(recorded, "replay", "--from", START) as terminal:
        terminal.wait_for("Replaying")
        terminal.wait_for("load would have alarmed 3 times")
        assert terminal.end() == 0
