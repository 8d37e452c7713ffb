"""`outkept notify`, `outkept notices`, and what `outkept check` says of targets."""

import json
from pathlib import Path

from tests.cli.command import outkept
from tests.cli.conftest import Daemon
from tests.notify.receivers import alertmanager, mailbox, webhook
from tests.servers import free_port, generate_key

CONFIG = """\
ranges: [127.84.1.0/28]
ssh: {keys: [key]}
state: state
notify:
"""


def written(home: Path, notify: str) -> None:
    generate_key(home / "key")
    (home / "config.yaml").write_text(CONFIG + notify)


def test_each_target_is_sent_a_test_without_a_daemon(home: Path, tmp_path: Path) -> None:
    dead = free_port()
    with (
        mailbox() as box,
        webhook() as hook,
        alertmanager(tmp_path / "am", "http://127.0.0.1:9") as am,
    ):
        (home / "hook.url").write_text(f"{hook.url}\n")
        written(
            home,
            "  targets:\n"
            f"    mail: {{url: '{box.url}'}}\n"
            "    hook: {url_file: hook.url}\n"
            f"    am: {{alertmanager: '{am.url}'}}\n"
            f"    dead: {{url: 'json://u:t0psecret@127.0.0.1:{dead}/t0ken'}}\n",
        )
        ended = outkept(home, "notify", "--test", "--json")
        assert hook.titles == ["TEST from Outkept"]
        assert box.subjects == ["TEST from Outkept"]
        assert am.alerts()[0]["labels"]["alertname"] == "OutkeptTest"
    assert ended.code == 1
    found = {one["name"]: one for one in json.loads(ended.out)}
    assert {name: one["sent"] for name, one in found.items()} == {
        "mail": True,
        "hook": True,
        "am": True,
        "dead": False,
    }
    assert found["mail"]["kind"] == "mailto"
    assert "onnection" in found["dead"]["error"]
    for secret in ("t0psecret", "t0ken", "127.0.0.1"):
        assert secret not in ended.out + ended.err


def test_targets_are_listed_and_chosen(home: Path) -> None:
    written(home, "  targets: {a: 'json://127.0.0.1:1', b: {url: '${B_URL}'}}\n")
    ended = outkept(home, "notify", B_URL="tgram://123456789:abcdefg_hijklmnop/12315544/")
    assert (ended.code, ended.err) == (0, "")
    assert [line.split() for line in ended.out.splitlines()] == [
        ["TARGET", "KIND"],
        ["a", "json"],
        ["b", "tgram"],
    ]
    wrong = outkept(home, "notify", "--test", "c", B_URL="json://127.0.0.1:1")
    assert wrong.code == 2
    assert wrong.complaint == "outkept: no target is called 'c'; use one of: a, b"


def test_what_would_go_wrong_later_is_told_at_its_line(home: Path) -> None:
    written(home, "  targets:\n    a: nonsense://t0psecret\n")
    ended = outkept(home, "check")
    assert ended.code == 2
    assert ended.complaint.startswith("config.yaml:6: notify.targets.a.url: apprise doesn't know")
    assert "t0psecret" not in ended.err


def test_notices_of_a_running_daemon(home: Path, daemon: Daemon) -> None:
    ended = outkept(home, "notices", "--state", daemon.state)
    assert (ended.code, ended.out, ended.complaint) == (0, "", "No notices.")
    ended = outkept(home, "notices", "--targets", "--state", daemon.state, "--json")
    assert (ended.code, json.loads(ended.out)) == (0, [])
