"""`outkept reactions` against a real daemon and against impostors."""

import json
from pathlib import Path

from tests.cli.command import SIGNED, outkept
from tests.cli.conftest import Daemon
from tests.cli.impostor import impostor


def test_all_reactions_are_stopped_shown_and_resumed(home: Path, daemon: Daemon) -> None:
    here = ("--state", daemon.state)
    # Whose account it is is the system's to say, and not the environment's.
    stopped = outkept(home, "reactions", "stop", "moving the racks", *here, LOGNAME="ana")
    assert stopped.code == 0
    first, *_ = stopped.out.splitlines()
    assert first.startswith("All reactions are stopped since 20")
    assert first.endswith(f" by {SIGNED}: moving the racks")
    shown = json.loads(outkept(home, "reactions", "show", "--json", *here).out)
    assert shown["stopped"]["reason"] == "moving the racks"
    resumed = outkept(home, "reactions", "resume", *here)
    assert resumed.code == 0
    assert resumed.out.startswith("Mode: ")
    events = json.loads(outkept(home, "events", "--type", "control", "--json", *here).out)
    assert [event["message"] for event in events[:2]] == [
        f"reactions are resumed by {SIGNED}",
        f"all reactions are stopped by {SIGNED}: moving the racks",
    ]
    assert [event["by"] for event in events[:2]] == [SIGNED, SIGNED]


def test_what_is_not_latched_can_not_be_released(home: Path, daemon: Daemon) -> None:
    ended = outkept(
        home, "reactions", "release", "web-01.lisbon", "disk[/]/x", "--state", daemon.state
    )
    assert ended.code == 1
    assert "'disk[/]/x' are not latched on server" in ended.complaint


def test_a_viewer_can_only_look(home: Path, daemon: Daemon) -> None:
    token = outkept(home, "token", "--state", daemon.state).out.strip()
    given = ("--url", daemon.url, "--token", token)
    assert outkept(home, "reactions", "show", *given).code == 0
    refused = outkept(home, "reactions", "stop", "x", *given)
    assert refused.code == 1
    assert "this needs the scope act" in refused.complaint


def test_everything_there_is_is_shown_and_made_harmless(home: Path) -> None:
    where = {"server": "a", "hostname": "web\x1b[2J1", "sensor": "disk", "instance": "/var"}
    found = {
        "mode": "on",
        "rules": 2,
        "stopped": {"at": 1795877000.0, "by": "ana", "reason": "a\nb"},
        "latches": [where | {"at": 1795877000.0, "reason": "it ran 3 times"}],
        "running": [where | {"step": 2, "since": 1795877000.0, "by": "ben"}],
        "waiting": 1,
        "held": [where | {"guard": "cooldown"}],
        "at_once": {"most": 10, "now": 1},
        "latch": {"runs": 3, "within": 3600},
        "share": {
            "within": 600,
            "fleet": {"most": 3, "now": 1, "of": 35},
            "labels": [{"label": "site", "value": "porto", "most": 1, "now": 1, "of": 4}],
        },
    }
    with impostor(lambda _path, _headers: (200, {}, json.dumps(found).encode())) as url:
        ended = outkept(home, "reactions", "show", "--url", url, "--token", "x")
    assert ended.code == 0
    assert "\x1b" not in ended.out
    assert " by ana: a\\nb\n" in ended.out
    assert "Mode: on, besides 2 rules\n" in ended.out
    assert "1 of 10 at once, 1 of 3 within 10m, 1 of 1 of site=porto\n" in ended.out
    for title, row in (
        ("LATCHED", "it ran 3 times"),
        ("RUNNING", "disk[/var]  2     ben"),
        ("HELD FOR NOW", "disk[/var]  cooldown"),
    ):
        assert f"\n{title}\n" in ended.out
        assert row in ended.out
