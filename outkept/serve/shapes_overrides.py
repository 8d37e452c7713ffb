"""The shapes of overrides, and of what they touch."""

from pydantic import Field

from outkept.serve.shapes import Shape


class Named(Shape):
    """A server."""

    id: str
    hostname: str


class Change(Shape):
    """A key of a sensor: what the library has, what the override says, and on how many servers
    it holds: those that have the sensor, and for which no earlier override says another."""

    key: str
    from_: float | str | bool | None = Field(alias="from")
    to: float | str | bool | None
    servers: int


class Changed(Shape):
    """A sensor with its keys that an override sets."""

    sensor: str
    changes: list[Change]


class Override(Shape):
    """The `number`th of the configuration, with its match as written, and how many servers that
    matches, of which the `first` by hostname are named."""

    number: int
    match: dict[str, object]
    servers: int
    first: list[Named]
    sensors: list[Changed]


class Overrides(Shape):
    items: list[Override]
    next: None
