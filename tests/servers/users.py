"""A login user of this machine that lives as long as the tests."""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers.keys import authorize
from tests.servers.process import program, until

PREFIX = "okt"
_LOCK = Path(tempfile.gettempdir()) / "outkept-test-users.lock"


@dataclass(frozen=True)
class User:
    """A login user and the private key that opens it."""

    name: str
    home: Path
    key: Path
    uid: int

    def processes(self) -> list[int]:
        """The processes this user runs."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal() and entry.stat().st_uid == self.uid:
                    found.append(int(entry.name))
        return found

    def end_processes(self) -> list[int]:
        """Kill what this user runs; the processes that were there."""
        pids = self.processes()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return pids


@contextlib.contextmanager
def running_user(key: Path, *, suffix: str = "", shell: str = "/bin/sh") -> Iterator[User]:
    """Make a user whom `key` logs in; remove it, its home and its processes afterwards."""
    name = f"{PREFIX}{os.getpid()}{suffix}"
    # tinysshd wants no folder above the home to be writable by others, as /tmp is.
    home = Path(tempfile.mkdtemp(prefix=f"outkept-{name}-", dir="/var/lib"))
    with _locked():
        _remove_leftovers()
        command = [program("useradd"), "--no-create-home", "--home-dir", str(home)]
        subprocess.run([*command, "--shell", shell, name], check=True, capture_output=True)
        subprocess.run([program("usermod"), "-p", "*", name], check=True, capture_output=True)
    entry = pwd.getpwnam(name)
    user = User(name, home, key, entry.pw_uid)
    try:
        authorize(home, key)
        for path in (home, home / ".ssh", home / ".ssh" / "authorized_keys"):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        home.chmod(0o755)
        yield user
    finally:
        until(lambda: not user.end_processes(), f"the processes of {name} end")
        with _locked():
            subprocess.run([program("userdel"), "-f", name], check=True, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def shell_of_busybox(folder: Path) -> str:
    """The path of busybox's ash, fit to be a login shell."""
    path = folder / "ash"
    if not path.is_symlink():
        path.symlink_to(program("busybox"))
    return str(path)


def _remove_leftovers() -> None:
    """Remove the users of test runs that were killed."""
    for entry in pwd.getpwall():
        number = entry.pw_name.removeprefix(PREFIX).rstrip("abcdefghijklmnopqrstuvwxyz")
        if not entry.pw_name.startswith(PREFIX) or not number.isdecimal():
            continue
        if not Path(f"/proc/{number}").exists():
            User(entry.pw_name, Path(), Path(), entry.pw_uid).end_processes()
            subprocess.run([program("userdel"), "-f", entry.pw_name], capture_output=True)
            if entry.pw_dir.startswith(f"/var/lib/outkept-{entry.pw_name}-"):
                shutil.rmtree(entry.pw_dir, ignore_errors=True)


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One test run at a time changes /etc/passwd."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
