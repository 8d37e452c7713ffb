"""`outkept check` and the checks that `outkept run` makes: all mistakes, each at its place."""

from pathlib import Path

import pytest

from tests.cli.command import in_terminal, outkept
from tests.servers import generate_key

MISTAKEN = """\
rangs: [10.0.0.0/24]
ranges: [10.0.0.0/33]
ssh:
  user: ops
  user: root
  keys: [./nokey]
  connect_timeout: 5 parsecs
sensors: {libraries: [./lib]}
"""
SENSORS = """\
- {name: a, verifier: "echo yes"}
- {name: b, cmd: "echo 1", warning: 10, alarm: 5}
- {name: c, cmd: "echo 1", alarm: 5}
- {name: c, cmd: "echo 2", alarm: 5}
- {name: d, cmd: "echo 1", parse: number, examples: [{output: "1", value: 2}]}
"""
BROKEN = 'name: x\ncmd: "echo\n'


def test_ten_mistakes_are_told_at_once_each_at_its_place(home: Path) -> None:
    (home / "lib").mkdir()
    (home / "config.yaml").write_text(MISTAKEN)
    (home / "lib" / "a.yaml").write_text(SENSORS)
    (home / "lib" / "b.yaml").write_text(BROKEN)
    ended = outkept(home, "check", "-c", "config.yaml")
    assert ended.code == 2
    for place, word in (
        ("config.yaml:1", "did you mean 'ranges'?"),
        ("config.yaml:2", "10.0.0.0/33"),
        ("config.yaml:5", "given twice"),
        ("config.yaml:6", "no such file"),
        ("config.yaml:7", "not a duration"),
        ("lib/a.yaml:1", "add 'cmd:'"),
        ("lib/a.yaml:2", "swap the two"),
        ("lib/a.yaml:4", "defined twice"),
        ("lib/a.yaml:5", "parses to 1.0, not 2.0"),
        ("lib/b.yaml:2", "close the quote"),
    ):
        lines = [line for line in ended.err.splitlines() if line.startswith(f"{place}: ")]
        assert any(word in line for line in lines), (place, ended.err)


def test_a_sound_configuration_is_summed_up(home: Path) -> None:
    generate_key(home / "key")
    (home / "config.yaml").write_text("ranges: [127.0.9.0/28]\nssh: {keys: [./key]}\n")
    ended = outkept(home, "check")
    assert ended.code == 0
    assert "1 range with 14 addresses" in ended.out


def test_listening_for_other_machines_is_a_mistake_in_the_configuration(home: Path) -> None:
    generate_key(home / "key")
    (home / "config.yaml").write_text(
        "ranges: [127.0.9.0/28]\nssh: {keys: [./key]}\ndashboard: {listen: 0.0.0.0:8844}\n"
    )
    ended = outkept(home, "run")
    assert ended.code == 2
    assert ended.err.startswith("config.yaml:3: dashboard.listen: 0.0.0.0:8844 can be reached")


def test_a_passphrase_that_nobody_types_is_a_problem_of_its_key(home: Path) -> None:
    generate_key(home / "key", passphrase="right")
    (home / "config.yaml").write_text("ranges: [127.0.9.0/28]\nssh: {keys: [./key]}\n")
    with in_terminal(home, "check") as terminal:
        terminal.wait_for("Passphrase for .*key:")
        terminal.press("\x04")
        assert terminal.end() == 2
        assert "config.yaml:2: ssh.keys.0: " in terminal.seen


@pytest.mark.parametrize("passphrase", [None, "wrong", "right"])
def test_an_encrypted_key_wants_its_passphrase(home: Path, passphrase: str | None) -> None:
    generate_key(home / "key", passphrase="right")
    (home / "config.yaml").write_text("ranges: [127.0.9.0/28]\nssh: {keys: [./key]}\n")
    given = {} if passphrase is None else {"OUTKEPT_PASSPHRASE": passphrase}
    ended = outkept(home, "check", **given)
    assert ended.code == (0 if passphrase == "right" else 2)
    assert ("OUTKEPT_PASSPHRASE" in ended.err) is (passphrase != "right")
