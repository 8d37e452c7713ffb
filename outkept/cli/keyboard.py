"""Single key presses from the terminal, while a picture is on it."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

QUIT = (b"q", b"Q", b"\x03")
UP = (b"\x1b[A", b"\x1bOA", b"k")
DOWN = (b"\x1b[B", b"\x1bOB", b"j")
PAGE_UP, PAGE_DOWN = b"\x1b[5~", b"\x1b[6~"
HOME = (b"\x1b[H", b"\x1bOH", b"g")
PAGE = 10
FAR = 1_000_000


class Keys:
    """What was pressed since it was last asked."""

    def __init__(self) -> None:
        self.pressed = asyncio.Event()
        self.quit = False
        self._scroll = 0

    def take_scroll(self) -> int:
        """Lines to scroll down (up when negative) since the last call."""
        lines, self._scroll = self._scroll, 0
        return lines

    def feed(self, typed: bytes) -> None:
        """Take what the terminal sent: one key, or several pressed quickly."""
        self.quit = self.quit or any(key in typed for key in QUIT)
        self._scroll += sum(map(typed.count, DOWN)) - sum(map(typed.count, UP))
        self._scroll += PAGE * (typed.count(PAGE_DOWN) - typed.count(PAGE_UP))
        if any(key in typed for key in HOME):
            self._scroll = -FAR
        self.pressed.set()


@contextmanager
def keys_of_terminal() -> Iterator[Keys]:
    """Read keys as they are pressed, for the time of the context. Needs a running loop and a
    terminal at stdin, which is left as it was. The terminal's end counts as q."""
    keys = Keys()
    fd = sys.stdin.fileno()
    loop = asyncio.get_running_loop()

    def typed() -> None:
        try:
            data = os.read(fd, 1024)
        except OSError:
            data = b""
        keys.feed(data or QUIT[0])

    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        loop.add_reader(fd, typed)
        yield keys
    finally:
        loop.remove_reader(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
