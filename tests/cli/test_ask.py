"""`outkept servers`, `events` and `actions`, against a real daemon and against impostors."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.cli.command import outkept
from tests.cli.conftest import Daemon
from tests.cli.impostor import Answer, as_list, impostor
from tests.servers import free_port


def test_servers_are_listed_with_what_is_wrong(home: Path, daemon: Daemon) -> None:
    ended = outkept(home, "servers", "--state", daemon.state)
    assert ended.code == 0
    assert re.match(r"STATUS +SERVER +ADDRESSES +OS +SENSORS +WHAT\n", ended.out)
    assert re.search(r"^alarmed +\S+ +127\.77\.0\.\d+ .*\S", ended.out, re.M)
    assert "\x1b" not in ended.out


def test_servers_can_be_narrowed_down(home: Path, daemon: Daemon) -> None:
    alarmed = outkept(home, "servers", "--state", daemon.state, "--status", "alarmed", "--json")
    assert {server["status"] for server in json.loads(alarmed.out)} == {"alarmed"}
    found = outkept(home, "servers", "--state", daemon.state, "-q", "web-01", "--json")
    assert [server["hostname"] for server in json.loads(found.out)] == ["web-01.lisbon"]
    nobody = outkept(home, "servers", "--state", daemon.state, "-q", "nobody")
    assert (nobody.code, nobody.out, nobody.complaint) == (0, "", "No servers match.")


def test_events_of_one_server_by_its_hostname(home: Path, daemon: Daemon) -> None:
    ended = outkept(
        *(home, "events", "--state", daemon.state, "--server", "web-01.lisbon"),
        *("--type", "found", "--json"),
    )
    assert [event["type"] for event in json.loads(ended.out)] == ["found"]
    assert json.loads(ended.out)[0]["message"].startswith("web-01.lisbon found at ")


def test_events_of_one_sensor(home: Path, daemon: Daemon) -> None:
    asked = (home, "events", "--state", daemon.state)
    label = json.loads(outkept(*asked, "--type", "alarmed", "--json").out)[0]["sensor"]
    found = json.loads(outkept(*asked, "--sensor", label, "--json").out)
    assert {event["sensor"] for event in found} == {label}
    assert outkept(*asked, "--sensor", "nonsense").complaint == "No events match."


def test_a_cut_list_is_said_to_be_cut(home: Path, daemon: Daemon) -> None:
    ended = outkept(home, "events", "--state", daemon.state, "--limit", 2)
    assert len(ended.out.splitlines()) == 3
    assert ended.complaint == "The first 2 are shown; --limit gives more."


def test_an_unknown_server_is_answered_with_close_ones(home: Path, daemon: Daemon) -> None:
    ended = outkept(home, "events", "--state", daemon.state, "--server", "web-01")
    assert ended.code == 2
    assert ended.complaint == ("outkept: no server is called 'web-01'; did you mean web-01.lisbon?")


def test_actions_are_a_list(home: Path, daemon: Daemon) -> None:
    ended = outkept(home, "actions", "--state", daemon.state, "--json")
    assert ended.code == 0
    assert isinstance(json.loads(ended.out), list)


def test_a_token_and_a_url_are_enough(home: Path, daemon: Daemon) -> None:
    token = outkept(home, "token", "--state", daemon.state).out.strip()
    by_option = outkept(home, "servers", "--url", daemon.url, "--token", token)
    by_variable = outkept(home, "servers", "--url", daemon.url, OUTKEPT_TOKEN=token)
    assert by_option.code == by_variable.code == 0


def test_a_url_without_a_token_says_how_to_get_one(home: Path, daemon: Daemon) -> None:
    ended = outkept(home, "servers", "--url", daemon.url)
    assert ended.code == 1
    assert "OUTKEPT_TOKEN" in ended.complaint


def test_a_wrong_token_says_how_to_get_a_right_one(home: Path, daemon: Daemon) -> None:
    ended = outkept(home, "servers", "--url", daemon.url, "--token", "nonsense")
    assert ended.code == 1
    assert "does not take this token" in ended.complaint


def test_no_daemon_is_one_line(home: Path) -> None:
    (home / "state").mkdir()
    for verb in ("servers", "events", "actions"):
        ended = outkept(home, verb, "--state", home / "state")
        assert ended.code == 1
        assert "no daemon is running" in ended.complaint
    gone = f"http://127.0.0.1:{free_port()}"
    ended = outkept(home, "servers", "--url", gone, "--token", "x")
    assert ended.complaint == f"outkept: no daemon answers at {gone}: connection refused"


def test_only_http_is_spoken(home: Path) -> None:
    for url in (
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "127.0.0.1:8844",
        "http://",
        "http://a b",
    ):
        ended = outkept(home, "servers", "--url", url, "--token", "x")
        assert ended.code == 2, url
        assert "is not a daemon's URL" in ended.complaint


def test_every_page_is_asked_for_up_to_the_limit(home: Path) -> None:
    asked: list[dict[str, list[str]]] = []

    def answer(path: str, headers: dict[str, str]) -> Answer:
        query = parse_qs(urlsplit(path).query)
        asked.append(query)
        first, count = int(query.get("cursor", ["0"])[0]), int(query["limit"][0])
        items = [
            {"id": n, "type": "message", "message": str(n)} for n in range(first, first + count)
        ]
        return as_list(items, str(first + count))

    with impostor(answer) as url:
        ended = outkept(
            home, "events", "--url", url, "--token", "x", "--limit", 2500, "--json", "-q", "a&b"
        )
    assert [event["id"] for event in json.loads(ended.out)] == list(range(2500))
    assert [query.get("cursor") for query in asked] == [None, ["1000"], ["2000"]]
    assert asked[0]["q"] == ["a&b"]


def test_a_redirect_does_not_take_the_token_along(home: Path) -> None:
    seen: list[str] = []

    def elsewhere(path: str, headers: dict[str, str]) -> Answer:
        seen.append(headers.get("Authorization", ""))
        return as_list([])

    with (
        impostor(elsewhere) as target,
        impostor(lambda *_: (302, {"Location": f"{target}/x"}, b"")) as url,
    ):
        ended = outkept(home, "servers", "--url", url, "--token", "x")
    assert ended.code == 1
    assert "redirects elsewhere" in ended.complaint
    assert seen == []


def test_hostile_text_reaches_no_terminal(home: Path) -> None:
    evil = "\x1b]0;owned\x07\x9b31m[red]\u202e\ud800\x7f"
    server = {
        "id": "0123456789ab",
        "hostname": evil,
        "addresses": [evil, 7],
        "status": evil,
        "facts": {"os": evil},
        "sensors": [{"name": evil, "instance": evil, "value": evil, "status": "alarmed"}, 3],
        "reason": evil,
    }
    event = {"id": 1, "at": "yesterday", "type": evil, "message": f"{evil}\n\nsecond"}
    for verb, item in (("servers", server), ("events", event), ("actions", {"command": evil})):
        with impostor(lambda *_, item=item: as_list([item])) as url:
            for how in ([], ["--json"]):
                ended = outkept(home, verb, "--url", url, "--token", "x", *how)
                assert ended.code == 0, ended.err
                assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ended.out), verb


def test_nonsense_is_one_line(home: Path) -> None:
    answers: tuple[Answer, ...] = (
        (200, {}, b"<html>"),
        (200, {}, b"[]"),
        (200, {}, b'{"items": 3}'),
        (200, {}, b'{"items": [3]}'),
        (200, {"Content-Length": "100000"}, b"{"),
        (500, {}, b'{"detail": "it broke\\u001b[31m"}'),
        (404, {}, b"\xff"),
    )
    for answer in answers:
        with impostor(lambda *_, answer=answer: answer) as url:
            ended = outkept(home, "servers", "--url", url, "--token", "x")
        assert ended.code == 1, answer
        assert ended.complaint.startswith(f"outkept: {url}"), answer
        assert "\x1b" not in ended.err
