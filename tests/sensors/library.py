"""The built-in library, and the shells that its commands must run under."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from outkept.config.library import load_library
from outkept.config.resources import data_dir
from outkept.model.command import CommandResult
from outkept.model.sensor import Sensor

SENSORS, PROBLEMS = load_library([data_dir("sensors")])
NAMES = sorted(SENSORS)

DEFAULT_TIMEOUT = 20.0
"""What `ssh.command_timeout` is unless configured."""

_SHELLS = {
    "dash": ("dash", "-c"),
    "bash": ("bash", "--posix", "-c"),
    "ksh": ("ksh", "-c"),
    "zsh": ("zsh", "-c"),
    "busybox": ("busybox", "ash", "-c"),
}
SHELLS = {name: argv for name, argv in _SHELLS.items() if shutil.which(argv[0])}

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
"""The PATH that sshd gives a user; the tools in sbin are the commands' own business."""


def applets(directory: Path) -> str:
    """A directory with busybox's applets alone, as on Alpine, for use as PATH."""
    busybox = shutil.which("busybox")
    assert busybox is not None
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    directory.mkdir(parents=True, exist_ok=True)
    for name in ["busybox", *names.stdout.split()]:
        link = directory / name
        if "/" not in name and not link.is_symlink():
            link.symlink_to(busybox)
    return str(directory)


def run(
    command: str,
    *,
    shell: str = "dash",
    path: str = SYSTEM_PATH,
    timeout: float = DEFAULT_TIMEOUT,
    user: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> CommandResult:
    """Run `command` as a login over SSH would: no terminal, no input, few variables.

    Raises subprocess.TimeoutExpired."""
    program, *options = SHELLS[shell]
    done = subprocess.run(
        [str(shutil.which(program)), *options, command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        user=user,
        group=user and "nogroup",
        extra_groups=[] if user else None,
        cwd="/",
        env={"PATH": path, "HOME": "/nonexistent", "LANG": "C.UTF-8", **(environment or {})},
        check=False,
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)


def applies(sensor: Sensor, answer: CommandResult) -> bool:
    """Whether the verifier said yes; and it must say yes or no, nothing else."""
    assert answer.stdout in (b"yes\n", b"no\n"), (sensor.name, answer)
    assert answer.status == 0, (sensor.name, answer)
    return answer.stdout == b"yes\n"


IS_ROOT = os.geteuid() == 0
