"""OpenSSH's sshd and ssh-agent."""

import contextlib
import functools
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.servers.keys import generate_key, public_half
from tests.servers.process import Server, free_port, listening, program, until


@contextlib.contextmanager
def running_sshd(
    *,
    max_sessions: int = 10,
    authorized_keys: Sequence[Path] | None = None,
    host_keys: Sequence[Path] = (),
    force_command: str = "",
    addresses: Sequence[str] = ("127.0.0.1",),
    port: int = 0,
    options: Sequence[str] = (),
    wrap: Sequence[str] = (),
) -> Iterator[Server]:
    """Run an sshd on `addresses`, all with one port (0: a free one).

    `authorized_keys` are the private keys whose public halves log in as any user, root
    included; None leaves it to each user's own file. `options` are more lines of sshd_config,
    which win over ours. `wrap` is put before the command.
    """
    with tempfile.TemporaryDirectory(prefix="outkept-sshd-") as name:
        folder = Path(name)
        # sshd wants it at every connection; it goes away when the packaged service stops.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        port = port or free_port(addresses[0])
        keys = host_keys or [generate_key(folder / "host_key")]
        lines = [*options]
        lines += [f"ListenAddress {_bracketed(address)}:{port}" for address in addresses]
        lines += [f"HostKey {key}" for key in keys]
        lines += [f"MaxSessions {max_sessions}", "MaxStartups 1000", "LoginGraceTime 60"]
        lines += ["PermitRootLogin yes", "StrictModes no", "UsePAM no", "PidFile none"]
        lines += ["PrintMotd no", "LogLevel VERBOSE", *_penalties()]
        if authorized_keys is not None:
            path = folder / "authorized_keys"
            path.write_text("".join(public_half(key) for key in authorized_keys))
            lines.append(f"AuthorizedKeysFile {path}")
            folder.chmod(0o755)
        if force_command:
            lines.append(f"ForceCommand {force_command}")
        config = folder / "sshd_config"
        config.write_text("\n".join(lines) + "\n")
        command = [*wrap, program("sshd"), "-D", "-e", "-f", str(config)]
        with listening(command, addresses[0], port, folder / "log") as server:
            yield server


@contextlib.contextmanager
def running_agent(*keys: Path) -> Iterator[str]:
    """Run an ssh-agent that holds `keys`; gives the path of its socket."""
    with tempfile.TemporaryDirectory(prefix="outkept-agent-") as name:
        path = str(Path(name) / "agent")
        process = subprocess.Popen(
            [program("ssh-agent"), "-D", "-a", path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            until(lambda: Path(path).exists(), "ssh-agent listens")
            for key in keys:
                environment = {**os.environ, "SSH_AUTH_SOCK": path}
                command = [program("ssh-add"), "-q", str(key)]
                subprocess.run(command, check=True, env=environment, capture_output=True)
            yield path
        finally:
            process.terminate()
            process.wait(5)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@functools.cache
def _penalties() -> tuple[str, ...]:
    """OpenSSH ≥ 9.8 would ban us for the failed logins of other tests."""
    line = "PerSourcePenalties no"
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(line + "\n")
        file.flush()
        test = subprocess.run([program("sshd"), "-G", "-f", file.name], capture_output=True)
    return (line,) if test.returncode == 0 else ()
