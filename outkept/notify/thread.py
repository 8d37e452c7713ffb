"""Calls that block, each in a thread of its own, with a deadline."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class StillBusyError(Exception):
    """The call before, which was given up, has not come back yet."""


class OneThread:
    """Runs one blocking call at a time. A thread can't be ended: one that hangs is left behind,
    and until it comes back nothing else is run, so there is one of them at most."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._busy = False

    async def run(
        self, call: Callable[[], T], deadline: float, late: Callable[[T], object] | None = None
    ) -> T:
        """What `call` returns or raises. Raises TimeoutError after `deadline` seconds, and
        StillBusyError. A cancel leaves the call to itself. What it returns after that is given to
        `late`, in the event loop, before anything else is run; what it raises is dropped."""
        if self._busy:
            raise StillBusyError
        self._busy = True
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def finish(result: T | None, error: BaseException | None) -> None:
            # What it blocked on is over, whoever still waits for it.
            self._busy = False
            if not done.done():
                if error is not None:
                    done.set_exception(error)
                else:
                    done.set_result(result)  # type: ignore[arg-type]
            elif error is None and late is not None:
                late(result)  # type: ignore[arg-type]

        def work() -> None:
            result, failed = None, None
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                failed = error
            # The loop may be closed by now.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(finish, result, failed)

        # A daemon: the process may end while it hangs.
        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError:
            # There are as many threads as the system allows.
            self._busy = False
            raise StillBusyError from None
        try:
            await asyncio.wait((done,), timeout=deadline)
            # Not what woke us: both may be so in the same turn of the loop.
            if done.done():
                return done.result()
        finally:
            done.cancel()
        raise TimeoutError
