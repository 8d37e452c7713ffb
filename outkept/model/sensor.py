"""The definition of a sensor: a command, its verifier, thresholds, a reaction."""

from dataclasses import dataclass
from enum import StrEnum

from outkept.model.action import ReactionMode


class Parse(StrEnum):
    """How a command's standard output becomes samples."""

    NUMBER = "number"
    TEXT = "text"
    TABLE = "table"
    NAGIOS = "nagios"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Example:
    """An output the sensor may print and the value it must parse to.

    `value` is a number, a text, or for several series a mapping of instance to value.
    `status` is the exit status that goes with the output (it matters for `nagios`).
    """

    output: str
    value: float | str | dict[str, float | str]
    status: int = 0


@dataclass(frozen=True, slots=True)
class Sensor:
    """One definition of the library. Durations are in seconds.

    `every` and `timeout` are None where the configuration's defaults apply.
    `rate` says that the output is a counter: the reading is its increase per second
    between two outputs, so a first output gives no reading yet. A level is entered after `for_`
    readings in a row, the last of them at least `for_s` after the first.
    `fallback` is the second step: the command for where `reactive` has not mended it within
    `mended_within` (None: the configuration's). `reaction_mode` None: the configuration's.
    `source` is `file:line` of the definition, for messages.
    """

    name: str
    cmd: str
    verifier: str = ""
    parse: Parse = Parse.NUMBER
    warning: float | None = None
    alarm: float | None = None
    inverted: bool = False
    zero: bool = False
    exported: bool = True
    reactive: str | None = None
    every: float | None = None
    timeout: float | None = None
    unit: str = ""
    description: str = ""
    for_: int = 1
    for_s: float = 0.0
    clear: float | None = None
    cooldown: float = 300.0
    rate: bool = False
    examples: tuple[Example, ...] = ()
    fallback: str | None = None
    mended_within: float | None = None
    reaction_mode: ReactionMode | None = None
    source: str = ""

    def reaction(self, step: int) -> str | None:
        """The command of a step: 1 is `reactive`, 2 `fallback`; None where there is none."""
        return {1: self.reactive, 2: self.fallback}.get(step)
