"""`outkept try`, against real sshds."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.cli.command import Ended, outkept
from tests.servers import Server, User, free_port, generate_key, running_listener, running_sshd

SENSORS = """
- {name: answer, cmd: "echo 42", unit: "%", warning: 40, alarm: 90}
- {name: counter, cmd: "date +%s", parse: number, rate: true}
- {name: elsewhere, cmd: "echo 1", parse: number, verifier: "echo nothing here; exit 3"}
- {name: missing, cmd: "no-such-program --value", parse: number}
- {name: slow, cmd: "sleep 30", parse: number, timeout: 300ms}
- {name: wordy, cmd: "echo about 7", parse: number}
- {name: forbidden, cmd: "cat /etc/shadow", parse: number}
- {name: pages, cmd: "echo a 1; echo b 2", parse: number}
- {name: hostile, cmd: "printf '\\\\033]0;owned\\\\007\\\\033[31m[red]'; exit 1", parse: number}
"""


def try_on(server: Server, user: User, home: Path, *args: object, **env: str) -> Ended:
    """Try on a real server."""
    where = f"{server.address}:{server.port}"
    return outkept(home, "try", where, *args, "--user", user.name, "--key", user.key, **env)


def sensor_file(home: Path) -> Path:
    """A file of sensors that go wrong in every way."""
    path = home / "mine.yaml"
    path.write_text(SENSORS)
    return path


def block(text: str, name: str) -> str:
    """What is printed of one sensor in full."""
    return text.split(f"\n{name}  ")[1].split("\n\n")[0]


def test_all_sensors_are_tried_and_counted(home: Path, sshd: Server, ssh_user: User) -> None:
    ended = try_on(sshd, ssh_user, home, "--json")
    answer = json.loads(ended.out)
    values = {sensor["name"]: sensor["values"] for sensor in answer["sensors"]}
    assert answer["hostname"] == os.uname().nodename
    assert answer["user"] == ssh_user.name
    assert answer["host_key"].startswith("ssh-ed25519 SHA256:")
    assert values["kernel"] == [{"instance": None, "value": os.uname().release, "level": "normal"}]
    assert 0 < values["memory"][0]["value"] < 100
    failed = [sensor for sensor in answer["sensors"] if sensor["failed"]]
    assert ended.code == (1 if failed else 0)
    assert all(sensor["reason"] for sensor in answer["sensors"] if not sensor["applies"])
    assert all(sensor["mend"] for sensor in failed)


def test_the_overview_has_values_and_what_does_not_apply(
    home: Path, sshd: Server, ssh_user: User
) -> None:
    out = try_on(sshd, ssh_user, home).out
    assert re.search(r"^DOES NOT APPLY +WHY +TIME$", out, re.M)
    assert re.search(r"^SENSOR +INSTANCE +VALUE +LEVEL +TIME$", out, re.M)
    assert re.search(r"^load +[0-9.]+ +\w+ +\d+ ms$", out, re.M)
    assert re.search(r"^\d+ sensors: \d+ apply, \d+ do not, \d+ failed", out.splitlines()[-1])
    assert "\x1b" not in out


def test_a_named_sensor_is_shown_in_full(home: Path, sshd: Server, ssh_user: User) -> None:
    ended = try_on(sshd, ssh_user, home, "kernel")
    assert ended.code == 0
    shown = block(ended.out, "kernel")
    assert "verifier" in shown
    assert "command" in shown
    assert re.search(r"answer +exit status 0, \d+ ms, \d+ bytes", shown)
    assert f"stdout    │ {os.uname().release}" in shown
    assert "stderr    (empty)" in shown
    assert f"value     {os.uname().release}" in shown


def test_sensors_of_a_file_fail_with_a_reason_and_a_cure(
    home: Path, sshd: Server, ssh_user: User
) -> None:
    ended = try_on(sshd, ssh_user, home, "--sensor-file", sensor_file(home), "--raw")
    assert ended.code == 1
    assert "9 sensors: 8 apply, 1 do not, 6 failed" in ended.out
    assert "value     42 %  warned" in block(ended.out, "answer")
    assert "warned at ≥ 40, alarmed at ≥ 90" in block(ended.out, "answer")
    elsewhere = block(ended.out, "elsewhere")
    assert "its verifier did not say yes, but 'nothing here': exit status 3" in elsewhere
    assert "stdout    │ nothing here" in elsewhere
    missing = block(ended.out, "missing")
    assert "exit status 127" in missing
    assert "install the missing program" in missing
    slow = block(ended.out, "slow")
    assert "timeout: 600ms" in slow
    wordy = block(ended.out, "wordy")
    assert "not a number: 'about 7'" in wordy
    assert "parse: text" in wordy
    assert f"give {ssh_user.name} the right to it" in block(ended.out, "forbidden")
    assert "parse: table" in block(ended.out, "pages")


def test_a_counter_is_read_twice_and_shown_as_a_rate(
    home: Path, sshd: Server, ssh_user: User
) -> None:
    ended = try_on(sshd, ssh_user, home, "counter", "--sensor-file", sensor_file(home), "--json")
    (counter,) = json.loads(ended.out)["sensors"]
    assert ended.code == 0
    assert len(counter["runs"]) == 2
    assert 0.4 < counter["values"][0]["value"] < 2.1


def test_a_server_cannot_steer_the_terminal(home: Path, sshd: Server, ssh_user: User) -> None:
    ended = try_on(sshd, ssh_user, home, "hostile", "--sensor-file", sensor_file(home))
    assert "\x1b" not in ended.out + ended.err
    assert "\x07" not in ended.out
    assert r"│ \x1b]0;owned\x07\x1b[31m[red]" in ended.out


def test_an_unknown_sensor_is_answered_with_the_nearest(
    home: Path, sshd: Server, ssh_user: User
) -> None:
    ended = try_on(sshd, ssh_user, home, "laod")
    assert ended.code == 2
    assert ended.complaint == "outkept: there is no sensor 'laod'; did you mean 'load'?"


def test_few_channels_are_learned(home: Path, ssh_user: User) -> None:
    with running_sshd(max_sessions=1) as server:
        ended = try_on(server, ssh_user, home)
    assert "(1 channel at a time" in ended.out.splitlines()[-1]


def test_a_name_and_a_user_may_be_written_as_ssh_has_them(
    home: Path, sshd: Server, ssh_user: User
) -> None:
    where = f"{ssh_user.name}@localhost:{sshd.port}"
    ended = outkept(home, "try", where, "kernel", "--key", ssh_user.key)
    assert ended.code == 0
    assert f"at 127.0.0.1:{sshd.port}, as {ssh_user.name}, in" in ended.out


def test_a_refused_key_is_named(home: Path, sshd: Server, ssh_user: User) -> None:
    key = generate_key(home / "stranger")
    public = subprocess.run(
        ["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    ended = outkept(
        home, "try", sshd.address, "--port", sshd.port, "--user", ssh_user.name, "--key", key
    )
    assert ended.code == 1
    assert f"the key was refused for user {ssh_user.name}" in ended.complaint
    assert public in ended.complaint


def test_a_changed_host_key_is_told_with_both_fingerprints(
    home: Path, sshd: Server, ssh_user: User
) -> None:
    other = generate_key(home / "other")
    algorithm, blob = Path(f"{other}.pub").read_text().split()[:2]
    known = home / "known_hosts"
    known.write_text(f"[{sshd.address}]:{sshd.port} {algorithm} {blob}\n")
    config = home / "config.yaml"
    config.write_text(f"ranges: [127.0.0.1]\nssh: {{known_hosts: {known}}}\n")
    ended = try_on(sshd, ssh_user, home, "kernel", "-c", config)
    assert ended.code == 1
    assert len(re.findall(r"SHA256:\S+", ended.complaint)) == 2
    assert "known_hosts" in ended.complaint


def test_nobody_listening_is_one_line(home: Path, ssh_user: User) -> None:
    port = free_port()
    ended = outkept(home, "try", "127.0.0.1", "--port", port, "--key", ssh_user.key)
    assert ended.code == 1
    assert "connection refused" in ended.complaint


def test_a_listener_that_is_no_ssh_server_is_named(home: Path, ssh_user: User) -> None:
    with running_listener(b"220 smtp ready\r\n") as (address, port):
        ended = outkept(home, "try", f"{address}:{port}", "--key", ssh_user.key)
    assert ended.code == 1
    assert "220 smtp ready" in ended.complaint


def test_a_silent_listener_times_out(home: Path, ssh_user: User) -> None:
    config = home / "config.yaml"
    config.write_text("ranges: [127.0.0.1]\nssh: {connect_timeout: 500ms}\n")
    with running_listener() as (address, port):
        where = f"{address}:{port}"
        ended = outkept(home, "try", where, "-c", config, "--key", ssh_user.key)
    assert ended.code == 1
    assert "within 0.5 s" in ended.complaint


def test_a_host_that_is_none_is_a_usage_error(home: Path, ssh_user: User) -> None:
    for host in ("[::1", "a b", "host:99999", "@host", "http://web1/"):
        ended = outkept(home, "try", host, "--key", ssh_user.key)
        assert ended.code == 2, host
        assert ended.complaint.startswith("outkept: ")


def test_a_faulty_sensor_file_is_told_with_its_line(home: Path, ssh_user: User) -> None:
    path = home / "bad.yaml"
    path.write_text("- name: nothing\n  comand: echo\n")
    ended = outkept(home, "try", "127.0.0.1", "--sensor-file", path, "--key", ssh_user.key)
    assert ended.code == 2
    assert f"{path}:2: " in ended.err
