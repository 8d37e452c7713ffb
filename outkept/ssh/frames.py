"""What comes back from a long-lived shell: frames, out of bytes in chunks of any size. Pure.

    NONCE POSITION STATUS LENGTH:bytes;

The nonce is random for each batch. The bytes are counted and never searched, so a command that
prints frames of its own forges nothing; anything that isn't the frame awaited breaks the shell.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from outkept.ssh.script import LONGEST

_HEADER = re.compile(rb"([0-9a-f]{1,64}) (\d{1,9}) (\d{1,3}) (\d{1,18}):")
_LONGEST_HEADER = 100
MOST_NOISE = 64 * 1024
"""Bytes that start files may print before the shell says hello."""


class FrameError(Exception):
    """The answer is not made of our frames; `reason` says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Frame(NamedTuple):
    """One command's answer. `stdout` is None when there was more than a shell sends."""

    position: int
    status: int
    stdout: bytes | None


def frame(nonce: str, position: int, status: int, stdout: bytes) -> bytes:
    """What a shell sends for one command: NUL bytes and newlines at the end are dropped."""
    kept = stdout.replace(b"\0", b"").rstrip(b"\n")
    body = kept if len(kept) <= LONGEST else b""
    return b"%s %d %d %d:%s;" % (nonce.encode(), position, status, len(kept), body)


class Frames:
    """The frames of one batch, positions 1 to `count` in order."""

    __slots__ = ("_buffer", "_count", "_next", "_nonce", "broken")

    def __init__(self, nonce: str, count: int) -> None:
        self.broken = ""
        self._nonce = nonce.encode()
        self._count = count
        self._next = 1
        self._buffer = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes. `broken` says why there will be no more."""
        text = self._buffer + data if self._buffer else data
        found: list[Frame] = []
        at = 0
        while at < len(text) and not self.broken:
            try:
                end = self._one(text, at, found)
            except FrameError as error:
                self.broken = error.reason
                break
            if end is None:
                break
            at = end
        self._buffer = text[at:]
        return found

    def _one(self, text: bytes, at: int, found: list[Frame]) -> int | None:
        if self._next > self._count:
            raise FrameError("bytes after the last frame")
        header = _HEADER.match(text, at)
        if header is None:
            if len(text) - at > _LONGEST_HEADER or b":" in text[at:]:
                raise FrameError("bytes between the frames")
            return None
        if header[1] != self._nonce:
            raise FrameError("a frame that was not asked for")
        if int(header[2]) != self._next:
            raise FrameError("a frame out of its order")
        length = int(header[4])
        sent = length if length <= LONGEST else 0
        end = header.end() + sent
        if len(text) <= end:
            return None
        if text[end : end + 1] != b";":
            raise FrameError("a frame of another length than it says")
        body = text[header.end() : end] if sent == length else None
        found.append(Frame(self._next, int(header[3]), body))
        self._next += 1
        return end + 1


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a shell says of itself: its process, and the name of the user's login shell."""

    pid: int
    login_shell: str


class Door:
    """Awaits the greeting, behind whatever start files print."""

    __slots__ = ("_buffer", "_greeting")

    def __init__(self, nonce: str) -> None:
        self._greeting = re.compile(rb"%s hello (\d{1,10}) ([^\s;]{0,64});" % nonce.encode())
        self._buffer = b""

    def feed(self, data: bytes) -> Greeting | None:
        """The greeting, once it is complete. Raises FrameError when too much else was said."""
        self._buffer += data
        if match := self._greeting.search(self._buffer):
            if match.end() != len(self._buffer):
                raise FrameError("bytes after the greeting")
            return Greeting(int(match[1]), match[2].decode("utf-8", "replace"))
        if len(self._buffer) > MOST_NOISE:
            raise FrameError("it says other things than a shell")
        return None


def greeting(nonce: str, pid: int, login_shell: str) -> bytes:
    """What a shell answers to `script.hello`."""
    return f"{nonce} hello {pid} {login_shell};".encode()
