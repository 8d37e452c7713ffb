"""Dates taken apart by the commands: certificates made for the test, log lines of now."""

import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from outkept.poll.parse import parse_output
from tests.sensors.library import SENSORS, SHELLS, SYSTEM_PATH, applets, applies, run


def _certificate(file: Path, days: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    command += " -subj /CN=test -keyout /dev/null"
    subprocess.run(
        ["openssl", *command.split(), "-days", str(days), "-out", str(file)],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_days_left_are_counted_for_each_certificate(shell: str, tmp_path: Path) -> None:
    live = tmp_path / "live"
    days = {"one.example/cert.pem": 90, "two example/cert.pem": 800, "leap.crt": 3000}
    for name, left in days.items():
        _certificate(live / name, left)
    _certificate(live / "one.example/fullchain.pem", 5)  # the same certificate, and its chain
    (live / "one.example/privkey.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    (live / "notes.pem").write_text("no certificate\n")
    sensor = SENSORS["certificates"]
    moves = [("/etc/letsencrypt/live", str(live)), ("/etc/", "/none/"), ("/var/lib/", "/none/")]
    cmd, verifier = sensor.cmd, sensor.verifier
    for old, new in moves:
        cmd, verifier = cmd.replace(old, new), verifier.replace(old, new)
    path = SYSTEM_PATH
    if shell == "busybox":
        path = applets(tmp_path / "bin")
        (tmp_path / "bin" / "openssl").symlink_to(str(shutil.which("openssl")))
    assert applies(sensor, run(verifier, shell=shell, path=path))
    samples = parse_output(sensor, run(cmd, shell=shell, path=path))
    left_by_name = {
        str(sample.instance).removeprefix(f"{live}/"): sample.value for sample in samples
    }
    assert left_by_name.keys() == days.keys()
    for name, value in left_by_name.items():
        assert value == pytest.approx(days[name], abs=0.1)


@pytest.mark.parametrize("month", range(1, 13))
def test_days_are_right_in_every_month(month: int, tmp_path: Path) -> None:
    """The calendar in awk against Python's, across leap days."""
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "a.pem").write_text("played\n")
    now = 1_700_000_000
    names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    openssl = tmp_path / "openssl"
    for year in (1999, 2024, 2100):
        end = f"notAfter={names[month - 1]}  1 12:30:00 {year} GMT"
        openssl.write_text(f"#!/bin/sh\necho '{end}'\n")
        openssl.chmod(0o755)
        cmd = SENSORS["certificates"].cmd.replace("/etc/letsencrypt/live", f"{tmp_path}/live")
        cmd = cmd.replace("/etc/", "/none/").replace("$(date +%s)", str(now))
        samples = parse_output(SENSORS["certificates"], run(cmd, path=f"{tmp_path}:{SYSTEM_PATH}"))
        truth = (_utc(year, month) - now) / 86400
        assert samples[0].value == pytest.approx(truth, abs=0.06)


def _utc(year: int, month: int) -> float:
    return datetime(year, month, 1, 12, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("shell", ["dash", "busybox"])
def test_log_lines_of_the_last_ten_minutes_count(shell: str, tmp_path: Path) -> None:
    def stamp(ago: float, form: str) -> str:
        return time.strftime(form, time.localtime(time.time() - ago))

    old, new = "%b %e %H:%M:%S", "%Y-%m-%dT%H:%M:%S.123456+00:00"
    lines = [
        f"{stamp(1200, old)} host sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2",
        f"{stamp(300, old)} host sshd[2]: Failed password for root from 192.0.2.1 port 2 ssh2",
        f"{stamp(60, old)} host sudo: Failed password for root",
        f"{stamp(1200, new)} host sshd[3]: Invalid user x from 192.0.2.1 port 3",
        f"{stamp(60, new)} host sshd-session[4]: Invalid user x from 192.0.2.1 port 4",
        f"{stamp(60, new)} host sshd[5]: Failed password for invalid user x from 192.0.2.1",
    ]
    log = tmp_path / "auth.log"
    log.write_text("\n".join(lines) + "\n")
    sensor = SENSORS["ssh_failures"]
    moves = [("/var/log/auth.log", str(log)), ("/run/systemd/journal", "/none")]
    cmd, verifier = sensor.cmd, sensor.verifier
    for before, after in moves:
        cmd, verifier = cmd.replace(before, after), verifier.replace(before, after)
    path = applets(tmp_path / "bin") if shell == "busybox" else SYSTEM_PATH
    assert applies(sensor, run(verifier, shell=shell, path=path))
    assert parse_output(sensor, run(cmd, shell=shell, path=path))[0].value == 2
