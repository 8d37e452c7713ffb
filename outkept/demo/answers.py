"""What the simulated machines print for which command. No shell: exact texts are looked up.

The fleet knows the identification script and, for every sensor of the library it was given,
the verifier, the command and the reaction. Everything else is not found.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from outkept.act.environment import without_environment
from outkept.demo.characters import HUGE_BYTES, Character, garbage, hangs, huge
from outkept.demo.identity import identify_answer
from outkept.demo.machines import Machine
from outkept.demo.shell import Answer, Responder
from outkept.demo.support import supports
from outkept.demo.values import status, teller
from outkept.discover.identity_script import IDENTIFY_SCRIPT
from outkept.model.sensor import Sensor
from outkept.ssh.script import command_in

_IDENTIFY = IDENTIFY_SCRIPT.strip()

MOST_REACTIONS = 1000
"""Reactions a machine remembers; the demo's own cooldowns keep it far below."""


@dataclass(frozen=True, slots=True)
class Clock:
    """`age` gives seconds since the fleet's start, `now` UNIX seconds."""

    age: Callable[[], float]
    now: Callable[[], float]


@dataclass(frozen=True)
class Commands:
    """The sensor library turned round: from command text to the sensors it belongs to."""

    sensors: Mapping[str, Sensor]
    by_cmd: Mapping[str, str]
    by_verifier: Mapping[str, tuple[str, ...]]
    by_reaction: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, sensors: Mapping[str, Sensor]) -> "Commands":
        """Index `sensors`, whose keys are their names."""
        verifiers: dict[str, list[str]] = defaultdict(list)
        reactions: dict[str, list[str]] = defaultdict(list)
        for name, sensor in sensors.items():
            if sensor.verifier:
                verifiers[sensor.verifier.strip()].append(name)
            for command in filter(None, (sensor.reactive, sensor.fallback)):
                reactions[command.strip()].append(name)
        return cls(
            sensors,
            {sensor.cmd.strip(): name for name, sensor in sensors.items()},
            {text: tuple(names) for text, names in verifiers.items()},
            {text: tuple(names) for text, names in reactions.items()},
        )


MOST_RESPONDERS = 1000
"""Commands whose responders a machine keeps; it forgets all of them for one more. The library
has far fewer, and what it doesn't know is not kept."""


@dataclass(slots=True)
class Household:
    """One machine and what was done to it: its answers depend on both.

    `mended` holds, by sensor, the fleet's age at the last reaction; `reactions` the commands
    that ran, oldest first.
    """

    machine: Machine
    commands: Commands
    clock: Clock
    mended: dict[str, float] = field(default_factory=dict)
    reactions: list[str] = field(default_factory=list)
    _responders: dict[str, Responder] = field(default_factory=dict)

    def answer(self, command: str) -> Answer:
        """What the machine prints for `command` now."""
        return self.responder(command)()

    def responder(self, command: str) -> Responder:
        """What answers `command`: worked out once, called for each time it runs."""
        text = without_environment(command_in(command)).strip()
        if text == _IDENTIFY:
            return lambda: Answer(identify_answer(self.machine))
        if name := self.commands.by_cmd.get(text):
            return self._reader(self.commands.sensors[name])
        if names := self.commands.by_verifier.get(text):
            return partial(self._verdict, text, names)
        if names := self.commands.by_reaction.get(text):
            return partial(self._mend, text, names)
        return partial(_not_found, text)

    def _verdict(self, verifier: str, names: tuple[str, ...]) -> Answer:
        if any(hangs(self.machine.character, name) for name in names):
            return Answer(never=True)
        if any(supports(self.machine, self.commands.sensors[name]) for name in names):
            return Answer(b"yes\n")
        return Answer(b"no\n") if "echo no" in verifier else Answer(status=1)

    def _reader(self, sensor: Sensor) -> Responder:
        made = self._responders.get(sensor.name)
        if made is None:
            if len(self._responders) >= MOST_RESPONDERS:
                self._responders.clear()
            made = self._responders[sensor.name] = self._new_reader(sensor)
        return made

    def _new_reader(self, sensor: Sensor) -> Responder:
        machine, clock = self.machine, self.clock
        if machine.character is Character.UNPARSABLE:
            return lambda: Answer(garbage(machine.seed, sensor.name, clock.age()))
        if huge(machine.character, sensor.name):
            return lambda: Answer(flood=HUGE_BYTES)
        if not supports(machine, sensor):
            return partial(_not_found, sensor.cmd)
        return _Reading(self, sensor)

    def _mend(self, command: str, names: tuple[str, ...]) -> Answer:
        if len(self.reactions) < MOST_REACTIONS:
            self.reactions.append(command)
        for name in names:
            self.mended[name] = self.clock.age()
        return Answer(b"done\n")


class _Reading:
    """A sensor's command on a machine that has such a thing."""

    __slots__ = ("_clock", "_mended", "_name", "_status", "_teller")

    def __init__(self, household: Household, sensor: Sensor) -> None:
        self._name = sensor.name
        self._clock, self._mended = household.clock, household.mended
        self._teller = teller(household.machine, sensor)
        self._status = status(sensor)

    def __call__(self) -> Answer:
        clock = self._clock
        text = self._teller(clock.age(), clock.now(), self._mended.get(self._name))
        return Answer(text.encode(), status=self._status)


def _not_found(command: str) -> Answer:
    word = command.split(maxsplit=1)[0] if command else ""
    return Answer(stderr=f"sh: {word}: not found\n".encode(), status=127)
