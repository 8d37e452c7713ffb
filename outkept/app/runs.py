"""Runs that people started, as they come along: kept in memory, followed by any number of
readers, none of whom can hold a run up.

A reader has no queue. It remembers how far it has come with each server and takes what there is
beyond that, so one that is slow gets more at a time.
"""

import asyncio
import codecs
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from outkept.model.event import sensor_label

Json = dict[str, Any]

MOST_RUNS = 20
"""Runs that are kept. The oldest that is over makes room for a new one; where none is, there is
no new one."""
RUN_OUTPUT = 1 << 20
"""Characters of output that one run keeps, in equal shares for its servers; what a server prints
beyond its share is counted, and dropped. To write all of it as JSON, every character an escape,
takes less than a callback may."""
LEAST_OUTPUT, MOST_OUTPUT = 2048, 65536
MOST_WATCHERS = 100
"""Readers at once, over all runs."""
GATHER_S = 0.1
"""Seconds between two looks of a reader: a command that prints a line at a time is not sent a
line at a time."""
TICK_S = 15.0
"""Seconds of silence after which a reader is told that the run goes on."""


class RunState(StrEnum):
    """How far it has come on one server."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    HELD = "held"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    STOPPED = "stopped"

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self not in (RunState.WAITING, RunState.RUNNING)


class TooManyError(Exception):
    """There is no room for another run or reader now. One line that says what to do."""


class Part:
    """A run on one server. `action` is the id of what was written down of it. Times are UNIX
    seconds."""

    def __init__(self, server: str, hostname: str, command: str, room: int) -> None:
        self.server = server
        self.hostname = hostname
        self.command = command
        self.state = RunState.WAITING
        self.status: int | None = None
        self.guard: str | None = None
        self.reason = ""
        self.warnings: tuple[str, ...] = ()
        self.started: float | None = None
        self.finished: float | None = None
        self.action: int | None = None
        self.dropped = 0
        self._room = room
        self._kept: list[str] = []
        self._length = 0
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {error: decoder("replace") for error in (False, True)}

    @property
    def length(self) -> int:
        """Characters of output that are kept."""
        return self._length

    def output(self, start: int = 0) -> str:
        """What it printed, from a character on."""
        if start >= self._length:
            return ""
        self._kept = ["".join(self._kept)]
        return self._kept[0][start:]

    def hear(self, data: bytes, *, error: bool, final: bool = False) -> None:
        """Take what it printed."""
        text = self._decoders[error].decode(data, final)
        kept = text[: self._room - self._length]
        self.dropped += len(text) - len(kept)
        if kept:
            self._kept.append(kept)
            self._length += len(kept)

    def begin(self, action: int) -> None:
        """It is written down, and sent now; or not, where it was stopped in between."""
        self.action = action
        if self.state is RunState.WAITING:
            self.state, self.started = RunState.RUNNING, time.time()

    def hold(self, guard: str, reason: str) -> None:
        """It doesn't run."""
        self.guard = guard
        self.end(RunState.HELD, reason)

    def end(self, state: RunState, reason: str) -> None:
        """Nothing more will come from this server."""
        for error in self._decoders:
            self.hear(b"", error=error, final=True)
        self.state, self.reason, self.finished = state, reason, time.time()

    def view(self) -> Json:
        """In the API's shape, without the output."""
        return {
            "server": self.server,
            "hostname": self.hostname,
            "state": self.state.value,
            "status": self.status,
            "guard": self.guard,
            "reason": self.reason,
            "warnings": list(self.warnings),
            "started": self.started,
            "finished": self.finished,
            "action": self.action,
            "dropped": self.dropped,
        }


@dataclass(slots=True, eq=False)
class Run:
    """What somebody runs on some servers. `by` says who; `stopped_by` who ended it early, empty
    where nobody did. Times are UNIX seconds."""

    id: str
    at: float
    sensor: str
    instance: str | None
    step: int
    by: str
    reason: str
    override: tuple[str, ...]
    parts: dict[str, Part]
    stopped_by: str = ""
    finished: float | None = None
    watchers: set[asyncio.Event] = field(default_factory=set)

    @property
    def label(self) -> str:
        """What is run, in words."""
        what = "the reaction" if self.step == 1 else "the fallback"
        return f"{what} of {sensor_label(self.sensor, self.instance)}"

    def count(self, state: RunState) -> int:
        """On how many servers it is in this state."""
        return sum(part.state is state for part in self.parts.values())

    def changed(self) -> None:
        """Something is new: wake whoever follows it."""
        for watcher in self.watchers:
            watcher.set()

    def finish(self) -> None:
        """Nothing more will come."""
        self.finished = time.time()
        self.changed()

    def view(self) -> Json:
        """In the API's shape, without its servers."""
        counts = Counter(part.state for part in self.parts.values())
        return {
            "id": self.id,
            "at": self.at,
            "sensor": self.sensor,
            "instance": self.instance,
            "step": self.step,
            "by": self.by,
            "reason": self.reason,
            "override": list(self.override),
            "stopped_by": self.stopped_by or None,
            "finished": self.finished,
            "counts": {state.value: counts.get(state, 0) for state in RunState},
            "failed": sum(1 for part in self.parts.values() if part.status),
        }

    def detail(self) -> Json:
        """The same with its servers and what they printed."""
        commands = distinct(part.command for part in self.parts.values())
        servers = [
            part.view()
            | {
                "command": commands.index(part.command) if part.command else None,
                "output": part.output(),
            }
            for part in self.parts.values()
        ]
        return self.view() | {"commands": commands, "servers": servers}


def distinct(commands: Iterable[str]) -> list[str]:
    """Each command once: as a rule all servers have the same, which may be long."""
    return [command for command in dict.fromkeys(commands) if command]


class Watch:
    """One reader's place in a run."""

    def __init__(self, run: Run, woken: asyncio.Event) -> None:
        self._run = run
        self._woken = woken
        self._begun = False
        self._states: dict[str, RunState] = {}
        self._lengths: dict[str, int] = {}
        self.ended = False
        """Whether the last line was given."""

    async def next(self) -> list[Json]:
        """The next lines; waits for some, or gives a tick after TICK_S. Cancel-safe: nothing
        that was not given is lost."""
        if self._begun:
            await self._wait()
        self._woken.clear()
        ended = self._run.finished is not None
        lines = self.news()
        if ended:
            lines.append({"type": "end", "run": self._run.view()})
        self.ended = ended
        return lines or [{"type": "tick"}]

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(TICK_S):
                await self._woken.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_S)

    def news(self) -> list[Json]:
        """What there is beyond what was given."""
        return list(self._news())

    def _news(self) -> Iterator[Json]:
        if not self._begun:
            self._begun = True
            yield {"type": "run", "run": self._run.view()}
        for part in self._run.parts.values():
            new = self._states.get(part.server) is not part.state
            self._states[part.server] = part.state
            if new and not part.state.over:
                yield {"type": "state"} | part.view()
            start = self._lengths.get(part.server, 0)
            if part.length > start:
                self._lengths[part.server] = part.length
                yield {
                    "type": "output",
                    "server": part.server,
                    "hostname": part.hostname,
                    "text": part.output(start),
                }
            # That it is over is said behind all it printed.
            if new and part.state.over:
                yield {"type": "state"} | part.view()


class Runs:
    """All that are kept, used in the event loop only."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._watching = 0

    def __iter__(self) -> Iterator[Run]:
        """The newest first."""
        return iter(list(reversed(self._runs.values())))

    def get(self, id: str) -> Run | None:
        """The run of this id."""
        return self._runs.get(id)

    def add(
        self,
        sensor: str,
        instance: str | None,
        step: int,
        *,
        by: str,
        reason: str,
        override: Iterable[str],
        servers: Iterable[tuple[str, str, str]],
    ) -> Run:
        """A new run on `(id, hostname, command)` of servers. Raises TooManyError."""
        if len(self._runs) >= MOST_RUNS:
            over = next((one.id for one in self._runs.values() if one.finished is not None), None)
            if over is None:
                raise TooManyError(f"{MOST_RUNS} runs are under way; wait for one, or stop it")
            del self._runs[over]
        wanted = list(servers)
        room = max(LEAST_OUTPUT, min(MOST_OUTPUT, RUN_OUTPUT // max(1, len(wanted))))
        parts = {id_: Part(id_, name, command, room) for id_, name, command in wanted}
        run = Run(
            secrets.token_hex(6),
            time.time(),
            sensor,
            instance,
            step,
            by,
            reason,
            tuple(override),
            parts,
        )
        self._runs[run.id] = run
        return run

    def watch(self, run: Run) -> AbstractContextManager[Watch]:
        """Follow a run from its beginning. Raises TooManyError."""
        if self._watching >= MOST_WATCHERS:
            raise TooManyError(f"{MOST_WATCHERS} follow runs already; try again later")
        return self._watched(run)

    @contextmanager
    def _watched(self, run: Run) -> Iterator[Watch]:
        woken = asyncio.Event()
        self._watching += 1
        run.watchers.add(woken)
        try:
            yield Watch(run, woken)
        finally:
            self._watching -= 1
            run.watchers.discard(woken)
