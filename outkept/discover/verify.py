"""Which sensors apply to a server: those whose verifier says `yes` there."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from outkept.discover.identity import printable
from outkept.model.command import CommandFailure, CommandOutcome, FailureKind
from outkept.model.sensor import Sensor
from outkept.ssh.connection import Connection
from outkept.ssh.jobs import Priority

MOST_BYTES = 65536
_YES = re.compile(rb"\byes\b")


@dataclass(frozen=True, slots=True)
class Verification:
    """Names of the sensors that apply, and why each of the others does not."""

    supported: tuple[str, ...] = ()
    unsupported: dict[str, str] = field(default_factory=dict)


async def verify(
    connection: Connection, sensors: Sequence[Sensor], *, timeout: float, parallel: int = 4
) -> Verification | str:
    """Ask the verifier of each sensor, at most `parallel` at a time, `timeout` s for each.

    Sensors with the same verifier share one answer; an empty one is a yes. Answers the
    reason alone when the connection was lost on the way: what was not asked is not known.
    Safe to cancel.
    """
    verifiers = iter(dict.fromkeys(sensor.verifier for sensor in sensors if sensor.verifier))
    answers: dict[str, str] = {"": ""}
    lost = ""
    try:
        async with asyncio.TaskGroup() as askers:
            for _ in range(max(1, parallel)):
                askers.create_task(_ask(connection, verifiers, timeout, answers))
    except* _ConnectionLostError as group:
        lost = str(group.exceptions[0])
    if lost:
        return lost
    return Verification(
        supported=tuple(s.name for s in sensors if not answers[s.verifier]),
        unsupported={s.name: answers[s.verifier] for s in sensors if answers[s.verifier]},
    )


class _ConnectionLostError(Exception):
    """Ends the other askers: none of them would get an answer."""


async def _ask(
    connection: Connection, verifiers: Iterator[str], timeout: float, answers: dict[str, str]
) -> None:
    for verifier in verifiers:
        outcome = await connection.run(
            verifier, timeout=timeout, cap=MOST_BYTES, priority=Priority.ROUTINE, in_shell=True
        )
        if isinstance(outcome, CommandFailure) and outcome.kind is FailureKind.LOST:
            raise _ConnectionLostError(outcome.reason or "connection lost")
        answers[verifier] = judge(outcome)


def judge(outcome: CommandOutcome) -> str:
    """Empty when a verifier's outcome is a yes, else why it is not. Pure.

    The answer is the word `yes` anywhere in the output, as in the original; the exit
    status does not matter, but there has to be one.
    """
    if isinstance(outcome, CommandFailure):
        return f"its verifier gave no answer: {outcome.reason}"
    if _YES.search(outcome.stdout):
        return ""
    said = outcome.stdout.strip() or outcome.stderr.strip()
    last = printable(said[-300:].decode("utf-8", "replace"))[-80:]
    return f"its verifier did not say yes, but {last!r}" if last else "its verifier said nothing"
