"""A sensor as a library file defines it."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from outkept.config.problems import Mistake, quoted
from outkept.config.settings import MENDED_WITHIN
from outkept.config.strict import Strict
from outkept.config.thresholds import check_clear, check_order
from outkept.config.values import (
    Command,
    Flag,
    For,
    Interval,
    Threshold,
    duration,
    integer,
    listed,
    milliseconds,
    one_of,
    optional,
    read_number,
    text,
)
from outkept.model.action import ReactionMode
from outkept.model.sensor import Example, Parse, Sensor

SENSOR_NAME = text(
    64,
    pattern=r"[A-Za-z0-9]([A-Za-z0-9 _.:+-]*[A-Za-z0-9_.:+-])?",
    rule="use letters, digits, spaces and _ . : + -, beginning with a letter or digit",
)
_FOR_NUMBERS = "remove it, or read the output as a number with 'parse: number'"


def _as_text(value: object) -> str:
    if isinstance(value, dict | list):
        raise Mistake(f"{quoted(value)} is not a text", "write a text")
    return "" if value is None else str(value)


class ExampleDefinition(Strict):
    """An output and what it is read as. An empty output is one."""

    output: Annotated[str, BeforeValidator(_as_text)]
    value: Any
    status: Annotated[int, integer(0, 255, "an exit status")] = 0

    @classmethod
    def _is_empty(cls, key: str, value: object) -> bool:
        return key == "status" and value is None

    @field_validator("value")
    @classmethod
    def _is_value(cls, value: Any) -> Any:
        inner = value.values() if isinstance(value, dict) else [value]
        if any(isinstance(item, dict | list) for item in inner):
            raise Mistake("it is no value", "write a number, a text, or a mapping INSTANCE: VALUE")
        return value

    def example(self, parse: Parse) -> Example:
        """The example, with texts that are numbers made numbers, unless the sensor is text."""
        if isinstance(self.value, dict):
            series = {name: _read_value(item, parse) for name, item in self.value.items()}
            return Example(self.output, series, self.status)
        return Example(self.output, _read_value(self.value, parse), self.status)


def _read_value(value: object, parse: Parse) -> float | str:
    if parse is not Parse.TEXT:
        try:
            return read_number(value)
        except Mistake:
            pass  # a table or a JSON document may hold texts beside numbers
    return _as_text(value)


class SensorDefinition(Strict):
    """One definition, its keys in the order in which they are checked against each other."""

    name: Annotated[str, SENSOR_NAME]
    cmd: Command
    verifier: Command = ""
    parse: Annotated[Parse | None, one_of(*Parse)] = None
    inverted: Flag = False
    zero: Flag = False
    rate: Flag = False
    warning: Threshold = None
    alarm: Threshold = None
    clear: Threshold = None
    exported: Flag = True
    reactive: Annotated[str | None, optional(text(65536))] = None
    timer: Annotated[float | None, optional(milliseconds("100ms", "7d"))] = None
    every: Interval = None
    timeout: Annotated[float | None, optional(duration("100ms", "1h"))] = None
    unit: Annotated[str, text(32)] = ""
    description: Annotated[str, text(2000)] = ""
    for_: For = Field(default=(1, 0.0), alias="for")
    cooldown: Annotated[float, duration("0s", "30d")] = 300.0
    fallback: Annotated[str | None, optional(text(65536))] = None
    mended_within: Annotated[float | None, optional(MENDED_WITHIN)] = None
    reaction_mode: Annotated[ReactionMode | None, optional(one_of(*ReactionMode))] = None
    examples: Annotated[tuple[ExampleDefinition, ...], listed(200)] = ()

    @model_validator(mode="before")
    @classmethod
    def _is_mapping(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return data
        raise Mistake(f"{quoted(data)} is not a sensor", "write a mapping with name: and cmd:")

    @classmethod
    def _is_empty(cls, key: str, value: object) -> bool:
        return value is None or (isinstance(value, str) and not value.strip())

    @field_validator("warning", "alarm", "clear")
    @classmethod
    def _only_for_numbers(cls, limit: float | None, info: ValidationInfo) -> float | None:
        if info.data.get("parse") is Parse.TEXT and limit is not None:
            raise Mistake("a text has no thresholds", _FOR_NUMBERS)
        return limit

    @field_validator("zero", "rate")
    @classmethod
    def _only_where_there_are_numbers(cls, flag: bool, info: ValidationInfo) -> bool:
        if flag and info.data.get("parse") is Parse.TEXT:
            raise Mistake("it has no meaning for a text", _FOR_NUMBERS)
        return flag

    @field_validator("alarm")
    @classmethod
    def _right_way_round(cls, alarm: float | None, info: ValidationInfo) -> float | None:
        inverted = info.data.get("inverted")
        if inverted is not None:
            check_order(info.data.get("warning"), alarm, inverted=inverted)
        return alarm

    @field_validator("clear")
    @classmethod
    def _on_the_right_side(cls, clear: float | None, info: ValidationInfo) -> float | None:
        if {"inverted", "warning", "alarm"} <= info.data.keys():
            inverted, warning, alarm = (info.data[key] for key in ("inverted", "warning", "alarm"))
            check_clear(clear, warning, alarm, inverted=inverted)
        return clear

    @field_validator("fallback")
    @classmethod
    def _after_a_first_step(cls, fallback: str | None, info: ValidationInfo) -> str | None:
        if fallback is not None and info.data.get("reactive", fallback) is None:
            raise Mistake("it is the second step of no first one", "add 'reactive:', or remove it")
        return fallback

    @field_validator("every")
    @classmethod
    def _one_interval(cls, every: float | None, info: ValidationInfo) -> float | None:
        if every is not None and info.data.get("timer") is not None:
            raise Mistake("the interval is given twice, as 'timer' too", "remove one of the two")
        return every

    def sensor(self, source: str) -> Sensor:
        """The sensor. With neither a threshold nor `parse`, it is text, as in the original."""
        numeric = self.zero or self.rate or self.warning is not None or self.alarm is not None
        parse = self.parse or (Parse.NUMBER if numeric else Parse.TEXT)
        return Sensor(
            name=self.name,
            cmd=self.cmd,
            verifier=self.verifier,
            parse=parse,
            warning=self.warning,
            alarm=self.alarm,
            inverted=self.inverted,
            zero=self.zero,
            exported=self.exported,
            reactive=self.reactive,
            every=self.timer if self.every is None else self.every,
            timeout=self.timeout,
            unit=self.unit,
            description=self.description,
            for_=self.for_[0],
            for_s=self.for_[1],
            clear=self.clear,
            cooldown=self.cooldown,
            rate=self.rate,
            fallback=self.fallback,
            mended_within=self.mended_within,
            reaction_mode=self.reaction_mode,
            examples=tuple(example.example(parse) for example in self.examples),
            source=source,
        )
