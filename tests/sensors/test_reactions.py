"""The reactions that come with Outkept restart one service, and tell whether they could."""

from pathlib import Path

import pytest

from tests.sensors.library import SENSORS, SYSTEM_PATH, run

REACTIVE = sorted(name for name, sensor in SENSORS.items() if sensor.reactive)
UNITS = {"apache": "apache2", "exim": "exim4", "mysql": "mariadb", "phpfpm": "php*fpm*.service"}


class Host:
    """A host with systemd whose tools write down what they are asked for."""

    def __init__(self, home: Path, name: str) -> None:
        self.tools, self.asked = home / "tools", home / "asked"
        self.tools.mkdir()
        self.reaction = str(SENSORS[name].reactive).replace("/run/systemd/system", str(home))
        self.tool("systemctl", 'case "$*" in "-q is-active "*) exit 0 ;; esac; ' + self.note())
        self.tool("id", "echo 0")

    def note(self) -> str:
        return f'echo "$*" >>{self.asked}'

    def tool(self, name: str, script: str) -> None:
        (self.tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.tools / name).chmod(0o755)

    def react(self, shell: str) -> tuple[int, list[str]]:
        self.asked.unlink(missing_ok=True)
        status = run(self.reaction, shell=shell, path=f"{self.tools}:{SYSTEM_PATH}").status
        return status, self.asked.read_text().splitlines() if self.asked.exists() else []


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
@pytest.mark.parametrize("name", REACTIVE)
def test_a_reaction_restarts_its_service_once(name: str, shell: str, tmp_path: Path) -> None:
    assert Host(tmp_path, name).react(shell) == (0, [f"restart {UNITS[name]}"])


@pytest.mark.parametrize("name", REACTIVE)
def test_a_reaction_uses_sudo_without_a_password_or_fails(name: str, tmp_path: Path) -> None:
    host = Host(tmp_path, name)
    host.tool("id", "echo 1000")
    host.tool("sudo", 'exec "$0-refused" "$@"')
    status, asked = host.react("dash")
    assert status != 0
    assert asked == []
    host.tool("sudo", '[ "$1" = -n ] || exit 1\nshift\nexec "$@"')
    assert host.react("dash") == (0, [f"restart {UNITS[name]}"])


@pytest.mark.parametrize("name", sorted(set(REACTIVE) - {"phpfpm"}))
def test_a_service_that_is_not_running_is_not_started(name: str, tmp_path: Path) -> None:
    host = Host(tmp_path, name)
    host.tool("systemctl", 'case "$*" in "-q is-active "*) exit 3 ;; esac; ' + host.note())
    status, asked = host.react("dash")
    assert status != 0
    assert asked == []
