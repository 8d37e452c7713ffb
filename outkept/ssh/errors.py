"""What can go wrong on the way to a server. Above `ssh/` nobody meets anything else.

SSHError
  Unreachable      no TCP connection: refused, no route, network down
  TimedOut         TCP connect, banner or login took longer than the deadline
  NotSSH           it answered, but not with an SSH banner
  Denied           every key was refused, or the user is unknown
  HostKeyRejected  the host key is not the one we know, or none is known and we are strict
  Lost             the connection was lost, during login or later
  ChannelRefused   the server turned a channel down; stays inside the pool
KeyProblem         a private key file that cannot be used
HostKeyFileError   (an OSError) the known_hosts file cannot be read or written
"""

# ruff: noqa: N818 the names say what happened; SSHError above them says that they are errors.

from pathlib import Path


class SSHError(Exception):
    """`reason` is one line, without the server's name and free of control characters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreachable(SSHError):
    """There is no TCP connection: refused, no route, network down."""


class TimedOut(SSHError):
    """TCP connect, banner or login took longer than the deadline."""


class NotSSH(SSHError):
    """It answered, but not with an SSH banner."""


class Denied(SSHError):
    """Every key was refused, or the user is unknown there."""


class HostKeyRejected(SSHError):
    """The host key is not one that is known. Nothing was authenticated.

    `expected` and `offered` are `TYPE SHA256:…`; `expected` lists several with commas, and is
    empty when no key is known and only known keys are accepted.
    """

    def __init__(self, reason: str, *, expected: str, offered: str) -> None:
        super().__init__(reason)
        self.expected = expected
        self.offered = offered


class Lost(SSHError):
    """The connection was lost, during login or later."""


class ChannelRefused(SSHError):
    """The server turned a channel open down; nothing ran. Only the pool sees it."""


class KeyProblem(Exception):
    """A private key file that cannot be used. `reason` is one line that says how to mend it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class HostKeyFileError(OSError):
    """The known_hosts file cannot be read or written; its text is one line."""


def printable(text: str | bytes, most: int = 80) -> str:
    """What a server sent, as one harmless line of at most `most` characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: most * 4]).split())
    return line if len(line) <= most else line[: most - 1] + "…"
