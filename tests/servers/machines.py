"""Several machines on one: an sshd with a machine id, boot id and hostname of its own."""

import contextlib
import shlex
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.servers.openssh import running_sshd
from tests.servers.process import Server, program


@contextlib.contextmanager
def machine(
    hostname: str,
    *,
    machine_id: str = "",
    boot_id: str = "",
    addresses: Sequence[str] = ("127.0.0.1",),
    port: int = 0,
    max_sessions: int = 10,
    host_keys: Sequence[Path] = (),
    authorized_keys: Sequence[Path] | None = None,
) -> Iterator[Server]:
    """Run an sshd that is another machine by every sign but its network interfaces.

    Ids that aren't given are random, as on a new machine.
    """
    with (
        disguise(hostname, machine_id=machine_id, boot_id=boot_id) as wrap,
        running_sshd(
            max_sessions=max_sessions,
            host_keys=host_keys,
            authorized_keys=authorized_keys,
            addresses=addresses,
            port=port,
            wrap=wrap,
        ) as server,
    ):
        yield server


@contextlib.contextmanager
def disguise(hostname: str, *, machine_id: str = "", boot_id: str = "") -> Iterator[list[str]]:
    """What to put before a server's command to make it such a machine."""
    with tempfile.TemporaryDirectory(prefix="outkept-machine-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "machine-id").write_text((machine_id or uuid.uuid4().hex) + "\n")
        (folder / "boot_id").write_text((boot_id or str(uuid.uuid4())) + "\n")
        (folder / "hostname").write_text(hostname + "\n")
        steps = [
            f"mount --bind {folder}/machine-id /etc/machine-id",
            f"mount --bind {folder}/boot_id /proc/sys/kernel/random/boot_id",
            f"if [ -e /etc/hostname ]; then mount --bind {folder}/hostname /etc/hostname; fi",
            f"hostname {shlex.quote(hostname)}",
            'exec "$0" "$@"',
        ]
        unshare = [program("unshare"), "--mount", "--uts", "--propagation", "private"]
        yield [*unshare, "sh", "-c", " && ".join(steps)]
