"""The shapes of the API, for its OpenAPI description, that several parts of it share. Answers are
built from the source's dicts as they are; tests hold the two together."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Value = float | str | None


class Shape(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="allow")


class Asked(BaseModel):
    """What is asked."""

    model_config = ConfigDict(extra="forbid")


class ProblemDetail(Shape):
    """RFC 9457."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str


class Silenced(Shape):
    """The silence that holds over something now; of several the one that ends last. `ends` is
    null where it holds until somebody ends it."""

    id: int
    ends: float | None
    reason: str
