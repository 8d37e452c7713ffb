"""Key files for tests, made by ssh-keygen."""

import subprocess
from pathlib import Path

from tests.servers.process import program


def generate_key(
    path: Path, *, kind: str = "ed25519", passphrase: str = "", form: str = "RFC4716"
) -> Path:
    """Make a private key at `path` and its public half beside it. Returns `path`.

    `form` is ssh-keygen's -m: RFC4716 is OpenSSH's own, PEM the old one of RSA keys."""
    path.unlink(missing_ok=True)
    command = [program("ssh-keygen"), "-q", "-t", kind, "-N", passphrase, "-f", str(path)]
    command += ["-m", form]
    subprocess.run([*command, "-C", "outkept-test"], check=True, stdin=subprocess.DEVNULL)
    return path


def public_half(key: Path) -> str:
    """The line of the public key that belongs to the private key file."""
    return Path(f"{key}.pub").read_text()


def authorize(home: Path, *keys: Path) -> None:
    """Let `keys`, and no others, log in to the user whose home this is."""
    ssh = home / ".ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    path = ssh / "authorized_keys"
    path.write_text("".join(public_half(key) for key in keys))
    path.chmod(0o600)
