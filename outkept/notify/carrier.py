"""Carrying notices to one target: a worker with retries of its own, so that a target that is down
delays no other."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from outkept.config.durations import format_duration
from outkept.model.notice import Delivery, DeliveryState, Urgency
from outkept.notify.queue import Retries, next_one, next_time
from outkept.notify.target import DeliveryError, Target
from outkept.notify.thread import OneThread, StillBusyError

FAILING_AFTER = 2
"""Failures in a row from which on a target is said to fail: one alone may be chance."""
LATE_S = 300.0
"""A notice that comes so late says so."""
SAVE_AGAIN_S = 1.0


class Box(Protocol):
    """Where notices are kept; implemented by the store's outbox."""

    async def save(self, delivery: Delivery) -> None:
        """Write down what became of a delivery."""
        ...


@dataclass(frozen=True, slots=True)
class TargetState:
    """How a target stands. Times are UNIX seconds; `failing_since` is None while it works, and
    `error` says why the last try failed, without anything that is secret. Since the start, `sent`
    notices were, `failed` tries were in vain, and `given_up` notices will not be tried again."""

    name: str
    kind: str
    failing_since: float | None
    error: str
    queued: int
    oldest: float | None
    last_sent: float | None
    sent: int = 0
    failed: int = 0
    given_up: int = 0


@dataclass(slots=True)
class _Health:
    failures: int = 0
    since: float | None = None
    error: str = ""
    told: bool = False
    sent: float | None = None


Refresh = Callable[[], Awaitable[Sequence[Callable[[], None]]]]
"""Gives what has to be sent again at intervals, as calls that block and raise DeliveryError."""


class Carrier:
    """One target's worker. `tell` is given a line about the target when it begins to fail, when it
    works again, and when something was given up. `refresh` is asked every `refresh_every` seconds.

    `save_failed` is what a Box raises when its disk takes nothing; it is tried again until the
    disk does, for what was sent must not be sent again at the next start.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        box: Box,
        tell: Callable[[str], None],
        *,
        timeout: float,
        retries: Retries,
        save_failed: type[Exception],
        refresh: Refresh | None = None,
        refresh_every: float = 60.0,
    ) -> None:
        self.name = name
        self._target = target
        self._box = box
        self._tell = tell
        self._timeout = timeout
        self._retries = retries
        self._save_failed = save_failed
        self._refresh = refresh
        self._refresh_every = refresh_every
        self._queue: dict[int, Delivery] = {}
        self._late: list[Delivery] = []
        self._sent_count = self._failed_count = self._given_up_count = 0
        self._health = _Health()
        self._thread = OneThread(f"notify {name}")
        self._sending = asyncio.Lock()
        self._wake = asyncio.Event()
        self._resume_at = 0.0
        self._refresh_at = 0.0

    def recall(self, waiting: Iterable[Delivery], last_sent: float | None) -> None:
        """Take up what a daemon that is gone left behind."""
        self._queue = {one.id: one for one in waiting}
        self._health.sent = last_sent
        failed = [one for one in self._queue.values() if one.attempts]
        if failed:
            self._health = _Health(1, min(one.at for one in failed), failed[0].error)
            self._health.sent = last_sent

    def add(self, deliveries: Iterable[Delivery], dropped: Collection[int] = ()) -> None:
        """Have notices sent that are on disk. `dropped` were given up to make room."""
        for one in deliveries:
            if one.state is DeliveryState.WAITING:
                self._queue[one.id] = one
        for id_ in dropped:
            self._queue.pop(id_, None)
        self._given_up_count += len(dropped)
        if dropped:
            self._tell(f"{_notices(len(dropped))} to {self.name} given up: too many wait")
        self._wake.set()

    def state(self) -> TargetState:
        """How it stands."""
        health = self._health
        return TargetState(
            self.name,
            self._target.kind,
            health.since,
            health.error,
            len(self._queue),
            min((one.at for one in self._queue.values()), default=None),
            health.sent,
            self._sent_count,
            self._failed_count,
            self._given_up_count,
        )

    async def test(self, delivery: Delivery) -> str:
        """Send something that isn't kept; why it failed, empty if it didn't. A success has what
        waits tried at once. Takes twice the timeout at most."""
        try:
            async with asyncio.timeout(self._timeout), self._sending:
                pass
        except TimeoutError:
            return "it is busy with another notice"
        error = await self._sent(partial(self._target.send, delivery))
        if not error:
            self._resume_at = 0.0
            self._wake.set()
        return error

    async def run(self) -> None:
        """Carry until cancelled. What is under way then is sent again at the next start."""
        while True:
            self._wake.clear()
            await self._save_late()
            await self._give_up()
            now, clock = time.time(), asyncio.get_running_loop().time()
            if clock >= self._resume_at:
                if (one := next_one(self._queue.values(), now, self._retries)) is not None:
                    await self._try(one)
                    continue
                if self._refresh is not None and clock >= self._refresh_at:
                    await self._send_again()
                    continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause(now, clock)):
                    await self._wake.wait()

    def _pause(self, now: float, clock: float) -> float:
        """Seconds until there may be something to do."""
        following = next_time(self._queue.values(), now, self._retries)
        times = [] if following is None else [following - now]
        if self._refresh is not None:
            times.append(self._refresh_at - clock)
        pause = min(times, default=self._retries.longest)
        return max(pause, self._resume_at - clock, 0.05)

    def _arrived_late(self, id_: int, _: None) -> None:
        """A try that was given up for its time has sent its notice after all."""
        now = time.time()
        self._note("", now)
        self._resume_at = 0.0
        self._sent_count += 1
        if (one := self._queue.pop(id_, None)) is not None:
            self._late.append(replace(one, state=DeliveryState.SENT, error="", finished_at=now))
        self._wake.set()

    async def _save_late(self) -> None:
        while self._late:
            await self._save(self._late.pop())

    async def _give_up(self) -> None:
        now = time.time()
        over = [one for one in self._queue.values() if self._retries.over(one, now)]
        self._given_up_count += len(over)
        for one in over:
            del self._queue[one.id]
        for one in over:
            await self._save(replace(one, state=DeliveryState.GIVEN_UP, finished_at=now))
        if over:
            tried = format_duration(self._retries.give_up_after)
            self._tell(f"{_notices(len(over))} to {self.name} given up after {tried}")

    async def _try(self, one: Delivery) -> None:
        begun = time.time()
        call = partial(self._target.send, _marked_late(one, begun))
        error = await self._sent(call, partial(self._arrived_late, one.id))
        now = time.time()
        self._note(error, now)
        if error:
            self._failed_count += 1
        else:
            self._sent_count += 1
        tried = replace(one, attempts=one.attempts + 1, error=error)
        if error:
            # Its own pause, too: one that is never taken must not hold up the others.
            pause = self._retries.pause(tried.attempts, random.random())  # noqa: S311
            tried = replace(tried, next_at=now + pause)
        else:
            tried = replace(tried, state=DeliveryState.SENT, finished_at=now)
        if one.id in self._queue:
            if error:
                self._queue[one.id] = tried
            else:
                del self._queue[one.id]
            await self._save(tried)

    async def _send_again(self) -> None:
        assert self._refresh is not None
        self._refresh_at = asyncio.get_running_loop().time() + self._refresh_every
        for call in await self._refresh():
            error = await self._sent(call)
            self._note(error, time.time())
            if error:
                break

    async def _sent(
        self, call: Callable[[], None], late: Callable[[None], object] | None = None
    ) -> str:
        async with self._sending:
            return await sent(self._thread, call, self._timeout, late)

    def _note(self, error: str, now: float) -> None:
        """Take into account how a try ended, and tell what changed."""
        health = self._health
        if not error:
            if health.told and health.since is not None:
                lasted = format_duration(max(1, round(now - health.since)))
                self._tell(f"notices to {self.name} arrive again after {lasted}")
            self._health = _Health(sent=now)
            return
        health.failures += 1
        health.error = error
        health.since = now if health.since is None else health.since
        pause = self._retries.pause(health.failures, random.random())  # noqa: S311
        self._resume_at = asyncio.get_running_loop().time() + pause
        if health.failures >= FAILING_AFTER and not health.told:
            health.told = True
            self._tell(f"notices to {self.name} fail: {error}")

    async def _save(self, one: Delivery) -> None:
        while True:
            try:
                await self._box.save(one)
            except self._save_failed:
                await asyncio.sleep(SAVE_AGAIN_S)
            else:
                return


async def sent(
    thread: OneThread,
    call: Callable[[], None],
    timeout: float,
    late: Callable[[None], object] | None = None,
) -> str:
    """Why something was not sent within `timeout` seconds; empty if it was. `late` is called if
    it is sent after that."""
    try:
        await thread.run(call, timeout, late)
    except DeliveryError as error:
        return str(error) or "it was refused"
    except TimeoutError:
        return f"it did not end within {format_duration(timeout)}"
    except StillBusyError:
        return "the try before still hangs"
    except Exception as error:  # noqa: BLE001 - a fault of one target must not end the others
        # Its text may hold a secret.
        return f"it failed with {type(error).__name__}"
    return ""


def made_up(name: str, at: float) -> Delivery:
    """A notice to test a target with."""
    return Delivery(
        name,
        at,
        "test",
        "TEST from Outkept",
        f"If you can read this, notices to {name} arrive.",
        Urgency.INFO,
    )


def _marked_late(one: Delivery, now: float) -> Delivery:
    late = now - one.at
    if late < LATE_S:
        return one
    said = format_duration(60.0 * round(late / 60))
    return replace(one, body=f"{one.body}\n(delayed by {said}: it could not be sent before)")


def _notices(count: int) -> str:
    return "1 notice" if count == 1 else f"{count:,} notices"
