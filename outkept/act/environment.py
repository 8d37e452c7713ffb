"""What a reaction is told of why it runs: as environment variables, quoted. Pure.

Nothing that a server or a person said is ever put into a command's text: the text is the
library's, and what it is about stands in variables before it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote

from outkept.model.reading import Value

LONGEST = 4096
"""Characters of one variable; a text reading may be longer."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a command runs: the series, its newest value and level, and the incident and step."""

    server: str
    hostname: str
    sensor: str
    instance: str | None
    value: Value | None
    level: str
    incident: int | None
    step: int

    def variables(self) -> dict[str, str]:
        """As environment variables. What there is none of is empty."""
        given = {
            "SERVER": self.server,
            "HOSTNAME": self.hostname,
            "SENSOR": self.sensor,
            "INSTANCE": self.instance,
            "VALUE": f"{self.value:.15g}" if isinstance(self.value, float | int) else self.value,
            "LEVEL": self.level,
            "INCIDENT": self.incident,
            "STEP": self.step,
        }
        return {
            f"OUTKEPT_{name}": "" if fact is None else str(fact) for name, fact in given.items()
        }


def with_environment(command: str, variables: Mapping[str, str]) -> str:
    """A POSIX shell script that sets `variables` and then is `command`, unchanged.

    A NUL, which no environment can hold, and half of a surrogate pair, which no bytes can, are
    replaced; what is too long is cut.
    """
    lines = [f"{name}={quote(_clean(value))}; export {name}\n" for name, value in variables.items()]
    return "".join(lines) + command


def without_environment(script: str) -> str:
    """The command in what `with_environment` made, as a simulated server reads it; any other text
    is itself."""
    return _ENVIRONMENT.sub("", script, count=1)


_ENVIRONMENT = re.compile(
    r"\A(?:(OUTKEPT_[A-Z]+)=(?:'[^']*'|\"'\"|[\w@%+=:,./-])*; export \1\n)*", re.ASCII
)


def _clean(text: str) -> str:
    cut = text[:LONGEST].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return cut.encode("utf-8", "replace").decode("utf-8")
