"""Every verifier and every command that applies, run for real under every shell there is."""

from pathlib import Path

import pytest

from outkept.poll.parse import parse_output
from tests.sensors.library import (
    DEFAULT_TIMEOUT,
    IS_ROOT,
    NAMES,
    SENSORS,
    SHELLS,
    SYSTEM_PATH,
    applets,
    applies,
    run,
)

PLACES = [pytest.param(shell, None, id=shell) for shell in SHELLS]
if IS_ROOT:
    PLACES.append(pytest.param("dash", "nobody", id="dash-as-nobody"))


@pytest.fixture(scope="module")
def alpine(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("alpine")
    directory.chmod(0o755)
    return applets(directory / "bin")


@pytest.mark.parametrize(("shell", "user"), PLACES)
@pytest.mark.parametrize("name", NAMES)
def test_where_the_verifier_says_yes_the_command_gives_a_value(
    name: str, shell: str, user: str | None, request: pytest.FixtureRequest
) -> None:
    sensor = SENSORS[name]
    timeout = sensor.timeout or DEFAULT_TIMEOUT
    path = request.getfixturevalue("alpine") if shell == "busybox" else SYSTEM_PATH
    if sensor.verifier and not applies(
        sensor, run(sensor.verifier, shell=shell, user=user, path=path)
    ):
        return
    result = run(sensor.cmd, shell=shell, user=user, path=path, timeout=timeout)
    assert parse_output(sensor, result)
    assert result.stderr == b""


@pytest.mark.parametrize("shell", SHELLS)
def test_what_every_linux_has_applies_under_every_shell(
    shell: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue("alpine") if shell == "busybox" else SYSTEM_PATH
    for name in ("load", "cpu", "memory", "disk", "inodes", "processes", "zombies", "uptime"):
        sensor = SENSORS[name]
        assert applies(sensor, run(sensor.verifier, shell=shell, path=path)), name


@pytest.mark.parametrize("name", NAMES)
def test_a_server_without_any_tool_fails_instead_of_lying(name: str, tmp_path: Path) -> None:
    """Builtins alone: a command may answer from /proc, or must say that it failed."""
    result = run(SENSORS[name].cmd, path=str(tmp_path))
    if result.status == 0 and result.stdout.strip():
        value = parse_output(SENSORS[name], result)
        assert name in {"load", "processes", "uptime"}, value
