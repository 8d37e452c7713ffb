"""`outkept top`: a running daemon, live in the terminal."""

import asyncio
import json
import os
import sys
from typing import Annotated

import typer
from rich.console import Console, ConsoleDimensions
from rich.live import Live
from rich.text import Text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from outkept.app.mirror import MOST_EVENTS, FrameError, Mirror
from outkept.cli import options
from outkept.cli.api import Daemon, DaemonError, Json, ask, ask_list
from outkept.cli.daemon import Token, Url, daemon_of, give_up
from outkept.cli.errors import USAGE, fail
from outkept.cli.keyboard import Keys, keys_of_terminal
from outkept.cli.loop import until_done
from outkept.cli.render import show
from outkept.cli.top_view import Screen, picture

REDRAW_S = 0.25
"""As often as the daemon sends."""
CONNECT_S = 10.0
RECONNECT_S = (0.5, 1.0, 2.0, 5.0)
"""Waits before the next try; the last one repeats."""
MOST_BYTES = 256 * 1024 * 1024
"""Of one frame: the snapshot of ten thousand servers with a hundred series each is 150 MB."""
SILENCE_S = 10.0
"""The daemon sends its counters each second; after so long without any it is gone."""


def top(
    url: Url = None,
    token: Token = None,
    state: options.State = None,
    config: options.Config = None,
    once: Annotated[bool, typer.Option("--once", help="Print one picture and end.")] = False,
) -> None:
    """Watch a running daemon: what needs attention, the worst first, as it happens.

    q or Ctrl-C ends it; the arrow keys scroll. Without --url, the local daemon of the state
    directory is watched.

    Example: outkept top --url http://127.0.0.1:8844
    """
    if not once and not (sys.stdout.isatty() and sys.stdin.isatty()):
        fail("top needs a terminal; use --once, or `outkept servers --json` for a program", USAGE)
    daemon = daemon_of(url, token, state, config)
    watch = _Watch(daemon)
    try:
        ask(daemon, "stats")
    except DaemonError as error:
        give_up(error)
    until_done(watch.print_once if once else watch.draw)
    if watch.failure is not None:
        give_up(watch.failure)


class _Watch:
    """One daemon watched: the mirror that frames go into, and the picture made of it."""

    def __init__(self, daemon: Daemon) -> None:
        self.mirror = Mirror()
        self.failure: DaemonError | None = None
        self._daemon = daemon
        self._notice = "connecting"
        self._told = asyncio.Event()
        self._scroll = 0

    async def draw(self) -> None:
        """Draw until q is pressed, or cancelled."""
        console = Console(highlight=False, markup=False, emoji=False)
        live = Live(console=console, screen=True, auto_refresh=False)
        with keys_of_terminal() as keys, live:
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._follow())
                while self.failure is None and not keys.quit:
                    self._scroll = max(0, min(self._scroll + keys.take_scroll(), self._last()))
                    # Asked each time, and not of COLUMNS, which knows nothing of a resize.
                    console.size = ConsoleDimensions(*os.get_terminal_size(sys.stdout.fileno()))
                    live.update(self._picture(console.width, console.height), refresh=True)
                    await _pause(keys)
                following.cancel()

    async def print_once(self) -> None:
        """Print the first picture that is whole."""
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._follow())
            await self._told.wait()
            following.cancel()
        if self.failure is None:
            console = Console(highlight=False, markup=False, emoji=False)
            height = len(self.mirror.servers) + len(self.mirror.events) + 10
            size = (console.width, min(height, console.height))
            show(picture(self.mirror, Screen(*size, self._daemon.url, hint="")))

    def _picture(self, width: int, height: int) -> Text:
        where = self._daemon.url
        return picture(self.mirror, Screen(width, height, where, self._notice, self._scroll))

    def _last(self) -> int:
        return max(0, len(self.mirror.servers) - 1)

    async def _follow(self) -> None:
        """Keep the mirror fed; a lost connection is made again, and said until it is."""
        tries = 0
        while self.failure is None:
            try:
                await self._listen()
            except InvalidStatus as error:
                self._refused(error.response.status_code)
            except (OSError, WebSocketException, TimeoutError, FrameError, ValueError) as error:
                self._notice = f"connection lost ({_why(error)}); trying again"
            tries = 0 if self.mirror.seq is not None else tries + 1
            self.mirror.seq = None
            await asyncio.sleep(RECONNECT_S[min(tries, len(RECONNECT_S) - 1)])

    async def _listen(self) -> None:
        headers = {"Authorization": f"Bearer {self._daemon.token}"}
        async with connect(
            self._daemon.live_url,
            additional_headers=headers,
            open_timeout=CONNECT_S,
            close_timeout=1,
            max_size=MOST_BYTES,
            proxy=None if self._daemon.is_here else True,
        ) as socket:
            # Asked for once the frames flow, so that no event falls between the two.
            self.mirror.remember(await asyncio.to_thread(self._recent_events))
            while True:
                async with asyncio.timeout(SILENCE_S):
                    frame = await socket.recv()
                self.mirror.apply(json.loads(frame))
                if self.mirror.seq is not None:
                    self._notice = ""
                if self.mirror.seq is not None and self.mirror.stats:
                    self._told.set()

    def _recent_events(self) -> list[Json]:
        try:
            return ask_list(self._daemon, "events", MOST_EVENTS)
        except DaemonError:
            return []  # the frames that come tell what happens from now on

    def _refused(self, status: int) -> None:
        if status in {401, 403}:
            self.failure = DaemonError(
                f"{self._daemon.url} does not take this token; `outkept token` prints one"
            )
            self._told.set()
        self._notice = f"the daemon answered {status}; trying again"


async def _pause(keys: Keys) -> None:
    """Until the next picture is due, or a key is pressed."""
    try:
        async with asyncio.timeout(REDRAW_S):
            await keys.pressed.wait()
    except TimeoutError:
        return
    keys.pressed.clear()


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "nothing came for seconds"
    if isinstance(error, ConnectionClosed):
        return "closed"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)[:80] or type(error).__name__
