"""Whether a sensor's examples parse to what they promise. Pure."""

import math

from outkept.model.command import CommandResult
from outkept.model.reading import Value
from outkept.model.sensor import Example, Sensor
from outkept.poll.parse import ParseError, parse_output


def example_fault(sensor: Sensor, example: Example) -> str | None:
    """What is wrong with `example`, None if it holds. The value of a sensor with `rate` is
    the count that its output gives."""
    result = CommandResult(example.status, example.output.encode(), b"")
    try:
        samples = parse_output(sensor, result)
    except ParseError as error:
        return f"its output does not parse: {error.reason}"
    given = {sample.instance: sample.value for sample in samples}
    wanted: dict[str | None, Value] = {}
    if isinstance(example.value, dict):
        wanted.update(example.value)
    else:
        wanted[None] = example.value
    if given.keys() == wanted.keys() and all(_alike(given[key], wanted[key]) for key in wanted):
        return None
    return f"its output parses to {_shown(given)}, not {_shown(wanted)}"


def _alike(given: Value, wanted: Value) -> bool:
    if isinstance(given, str) or isinstance(wanted, str):
        return str(given) == str(wanted)
    return math.isclose(given, wanted, rel_tol=1e-9, abs_tol=1e-12)


def _shown(values: dict[str | None, Value]) -> str:
    return ", ".join(f"{key}={value!r}" if key else repr(value) for key, value in values.items())
