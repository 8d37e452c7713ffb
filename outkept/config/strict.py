"""What several sections of the configuration are made of."""

from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from outkept.config.values import Comparison, HoleText, comparison, text
from outkept.model.ranges import Span, parse_span

Label = Annotated[str, text(200)]
LabelName = Annotated[
    str, text(64, pattern="[A-Za-z_][A-Za-z0-9_]*", rule="use letters, digits and _ in its name")
]


class Strict(BaseModel):
    """A mapping that knows its keys. A key without a value is as good as left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = known_keys(cls)
        return {k: v for k, v in data.items() if k not in known or not cls._is_empty(k, v)}

    @classmethod
    def _is_empty(cls, key: str, value: object) -> bool:
        return value is None


def known_keys(model: type[BaseModel]) -> set[str]:
    """The keys of a mapping as they are written."""
    return {field.alias or name for name, field in model.model_fields.items()}


class FactMatch(Strict):
    """What a server must say of itself: globs for texts, comparisons for numbers."""

    os: Label | None = None
    kernel: Label | None = None
    architecture: Label | None = None
    cpus: Annotated[Comparison | None, comparison("'>=16'")] = None
    memory_bytes: Annotated[Comparison | None, comparison("'>=16GiB'", sizes=True)] = None
    ssh_version: Label | None = None
    shell: Label | None = None

    @cached_property
    def given(self) -> dict[str, str | Comparison]:
        """What is asked for, by the names of `model.server.Facts`."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: wanted for name, wanted in found.items() if wanted is not None}


class Match(Strict):
    """Which servers something is for: all that is given must match. Texts are globs; of the
    addresses one must lie in `range`."""

    hostname: Annotated[str, text(253)] = "*"
    labels: dict[LabelName, Label] = Field(default_factory=dict, max_length=64)
    range: HoleText | None = None
    facts: FactMatch = FactMatch()

    @cached_property
    def written(self) -> dict[str, object]:
        """What is asked for, as it was written, ready for JSON."""
        facts = {name: str(wanted) for name, wanted in self.facts.given.items()}
        found: dict[str, object] = {
            "hostname": self.hostname,
            "labels": self.labels,
            "range": self.range,
        }
        found["facts"] = facts
        return {key: value for key, value in found.items() if value not in ("*", {}, None)}

    @cached_property
    def span(self) -> Span | None:
        """The addresses of `range`."""
        return None if self.range is None else parse_span(self.range, whole=True)
