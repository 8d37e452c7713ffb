"""`outkept silence`, `incidents`, `ack`, `note` and `overrides`, against a real daemon."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from outkept.cli.moments import moment, own_zone
from outkept.serve.auth import Role, load_secret, mint
from tests.cli.command import SIGNED, here, outkept
from tests.cli.conftest import Daemon
from tests.cli.impostor import as_list, impostor


@pytest.fixture
def silences(daemon: Daemon) -> Iterator[None]:
    """Ends what a test has silenced: the daemon is everybody's."""
    yield
    for one in json.loads(here("silence", "--json", "--state", daemon.state).out):
        here("silence", "end", one["id"], "--state", daemon.state)


@pytest.mark.usefixtures("silences")
def test_a_silence_is_previewed_added_listed_and_ended(home: Path, daemon: Daemon) -> None:
    to = ("--state", daemon.state)
    what = ("--server", "web-*", "--sensor", "disk[/]", "--for", "2h", "--reason", "disk swap")
    seen = here("silence", "add", *what, "--preview", *to)
    assert seen.code == 0, seen.err
    assert seen.out.startswith("It would silence disk[/] on web-*, until ")
    assert re.search(r"^It matches now: \d+ series of \d+ servers \(web-01\.", seen.out, re.M)
    none = here("silence", *to)
    assert (none.out, none.complaint) == ("", "Nothing is silenced.")
    added = json.loads(outkept(home, "silence", "add", *what, *to, "--json").out)
    assert (added["author"], added["state"]) == (SIGNED, "active")
    listed = here("silence", *to).out
    assert re.search(
        rf"^{added['id']} +active +disk\[/\] on web-\* .* {SIGNED} +disk swap$", listed, re.M
    )
    ended = here("silence", "end", added["id"], *to)
    assert ended.out == f"Silence {added['id']} is over: disk[/] on web-*\n"
    again = here("silence", "end", added["id"], *to)
    assert again.code == 1
    assert again.complaint.endswith(f"silence {added['id']} is over already")
    assert json.loads(here("silence", *to, "--json").out) == []
    assert len(json.loads(here("silence", "--all", *to, "--json").out)) >= 1


@pytest.mark.usefixtures("silences")
def test_a_weekly_one_has_this_machines_zone_unless_it_says_another(daemon: Daemon) -> None:
    to = ("--state", daemon.state)
    weekly = ("--label", "site=lisbon", "--weekly", "sat,Sunday", "--from", "22:00", "--to", "2:00")
    wrong = here("silence", "add", *weekly, "--reason", "backup", *to)
    assert wrong.code == 1
    assert "body.weekly.to" in wrong.complaint
    weekly = (*weekly[:-1], "02:00")
    added = here(
        *("silence", "add", *weekly, "--reason", "backup", *to, "--json"),
        TZ="America/New_York",
    )
    found = json.loads(added.out)
    assert (found["ends"], found["labels"]) == (None, {"site": "lisbon"})
    assert found["weekly"] == {
        "days": ["sat", "sun"],
        "from": "22:00",
        "to": "02:00",
        "length": 14400,
        "zone": "America/New_York",
    }
    other = here(*("silence", "add", *weekly, "--reason", "b", "--zone", "Europe/Lisbon", *to))
    assert "until it is ended, on sat,sun 22:00-02:00 Europe/Lisbon" in other.out


def test_what_makes_no_sense_is_a_usage_error(daemon: Daemon) -> None:
    to = ("--state", daemon.state)
    for more, words in (
        (("--for", "two hours"), "--for: 'two hours' is not a duration"),
        (("--ends", "tomorrow"), "--ends: 'tomorrow' is no time"),
        (("--for", "1h", "--label", "site"), "--label: 'site' is no label"),
        (("--for", "1h", "--from", "22:00"), "go with --weekly"),
        (("--weekly", "sat"), "--weekly needs --from and --to"),
    ):
        ended = here("silence", "add", "--server", "x", "--reason", "r", *more, *to)
        assert ended.code == 2, more
        assert words in ended.complaint
    ended = here("silence", *to, "add", "--server", "x", "--reason", "r")
    assert ended.code == 2
    assert ended.complaint == "outkept: write the options behind `add`"
    ended = here("silence", "add", "--for", "1h", "--reason", "r", *to)
    assert ended.code == 2
    assert ended.complaint.endswith("add --everything if that is meant")
    ended = here("silence", "add", "--server", "**", "--for", "1h", "--reason", "r", *to)
    assert ended.code == 1
    assert "would silence everything" in ended.complaint


def test_a_viewers_token_is_told_what_it_lacks(daemon: Daemon) -> None:
    token = mint(load_secret(daemon.state), Role.VIEWER)
    for verb in (("silence", "end", 1), ("ack", 1), ("note", 1, "x")):
        ended = here(*verb, "--url", daemon.url, "--token", token)
        assert ended.code == 1
        assert "needs the scope act, which the role operator has" in ended.complaint


def test_an_incident_is_listed_taken_on_noted_and_given_back(daemon: Daemon) -> None:
    to = ("--state", daemon.state)
    found = json.loads(here("incidents", "--status", "open", *to, "--json").out)
    assert {one["state"] for one in found} == {"open"}
    # The oldest: newer ones come and go.
    number = found[-1]["id"]
    taken = here("ack", number, "--comment", "on it", *to)
    assert taken.out.startswith(f"Incident {number} is acknowledged (")
    listed = here("incidents", "--limit", 100_000, *to).out
    assert re.search(rf"^{number} +(warned|alarmed) .* {SIGNED} ", listed, re.M)
    nobody = here("incidents", "--unacknowledged", "--status", "open", "--json", *to)
    assert number not in [one["id"] for one in json.loads(nobody.out)]
    noted = here("note", number, "it was the fan", *to)
    assert noted.out.startswith(f"Incident {number} has a note (")
    noted = here("events", "--type", "note", *to)
    assert f"{SIGNED} notes: it was the fan" in noted.out
    given = here("ack", number, "--withdraw", *to, "--json")
    assert json.loads(given.out)["acknowledged"] is None
    ended = here("ack", 1, *to)
    assert ended.code == 1
    assert "event 1 is part of no incident" in ended.complaint


def test_incidents_of_one_server(daemon: Daemon) -> None:
    to = ("--state", daemon.state)
    name = json.loads(here("incidents", *to, "--json").out)[0]["hostname"]
    found = json.loads(here("incidents", "--server", name, *to, "--json").out)
    assert {one["hostname"] for one in found} == {name}
    ended = here("incidents", "--limit", 1, *to)
    assert ended.complaint == "The first 1 are shown; --limit gives more."


def test_a_proposed_override_is_tried_on_the_daemons_servers(home: Path, daemon: Daemon) -> None:
    to = ("--state", daemon.state)
    own = here("overrides", *to).out.splitlines()
    columns = ["NO", "MATCH", "SERVERS", "SENSOR", "KEY", "FROM", "TO", "HOLDS", "ON"]
    assert own[0].split() == columns
    assert own[1].startswith("1   every server  35: ")
    proposed = home / "proposed.yaml"
    proposed.write_text(
        "ranges: [127.77.0.0/24]\n"
        "ssh: {keys: [], agent: true}\n"
        "sensors:\n"
        "  overrides:\n"
        "    - match: {hostname: 'WEB-*', facts: {os: 'debian*', cpus: '>=1'}}\n"
        "      set: {load: {warning: 20, alarm: 40}}\n"
        "    - match: {range: 127.77.0.0/24}\n"
        "      set: {load: {alarm: 30, for: 3}}\n"
    )
    shown = here("overrides", "-c", proposed, *to)
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert re.match(
        r"1 +hostname=WEB-\* facts\.os=debian\* facts\.cpus=>=1 +3: web-01\.lisbon,"
        r" web-02\.lisbon, web-03\.lisbon +load +alarm +\d+ +40 +3$",
        lines[1],
    )
    assert re.match(r" +warning +\d+ +20 +3$", lines[2])
    of_one = json.loads(
        here("overrides", "-c", proposed, "--server", "web-01.lisbon", *to, "--json").out
    )
    assert [one["servers"] for one in of_one] == [1, 1]
    assert [[change["servers"] for change in one["sensors"][0]["changes"]] for one in of_one] == [
        [1, 1],
        [0, 1],
    ]
    proposed.write_text("ranges: [127.77.0.0/24]\nsensors: {overrides: [{match: {fact: {}}}]}\n")
    wrong = here("overrides", "-c", proposed, *to)
    assert wrong.code == 2
    assert "proposed.yaml:2: " in wrong.err


def test_hostile_text_reaches_no_terminal() -> None:
    evil = "\x1b]0;owned\x07\x9b31m[red]\u202e\ud800\x7f"
    answers = {
        "silence": {"id": evil, "sensor": evil, "labels": {evil: evil}, "weekly": {"days": [evil]}},
        "incidents": {"id": evil, "message": evil, "acknowledged": {"by": evil}, "level": evil},
        "overrides": {
            "match": {evil: {evil: evil}},
            "servers": evil,
            "first": [{"hostname": evil}],
            "sensors": [{"sensor": evil, "changes": [{"key": evil, "to": evil}, 3]}],
        },
    }
    for verb, item in answers.items():
        with impostor(lambda *_, item=item: as_list([item, {}])) as url:
            for how in ([], ["--json"]):
                ended = here(verb, "--url", url, "--token", "x", *how)
                assert ended.code == 0, ended.err
                assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ended.out), verb


def test_times_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert moment("--ends", None) is None
    assert moment("--ends", "2026-11-29T22:00Z") == 1_795_989_600
    noon = moment("--ends", "2026-11-29 12:00")
    assert noon is not None
    monkeypatch.setattr("outkept.cli.moments.time.time", lambda: noon)
    assert moment("--ends", "12:01") == noon + 60
    assert moment("--ends", "12:00") == noon + 86400
    assert moment("--ends", "11:00") == noon + 82800


def test_the_machines_zone_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    monkeypatch.setattr("outkept.cli.moments._LOCALTIME", link)
    monkeypatch.setenv("TZ", "Europe/Lisbon")
    assert own_zone() == "Europe/Lisbon"
    monkeypatch.setenv("TZ", "Nowhere/AtAll")
    assert own_zone() == "UTC"
    monkeypatch.delenv("TZ")
    link.symlink_to("/usr/share/zoneinfo/Asia/Kathmandu")
    assert own_zone() == "Asia/Kathmandu"
