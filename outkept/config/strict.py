"""What several sections of the configuration are made of."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from outkept.config.values import text

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


class Match(Strict):
    """Which servers an override is for: all that is given must match, as globs."""

    hostname: Annotated[str, text(253)] = "*"
    labels: dict[LabelName, Label] = Field(default_factory=dict, max_length=64)
