"""Which state directory, and so which local daemon, a verb is about."""

from pathlib import Path

from outkept.cli.errors import fail_all
from outkept.cli.files import default_file
from outkept.config.commandline import CommandLine

ANY_RANGE = "127.0.0.1"
"""Stands in for `ranges`, which a question about the state doesn't need."""


def state_directory(state: Path | None, config: Path | None) -> Path:
    """The directory that is named, else the configuration's, else the default."""
    if state is not None:
        return state.expanduser()
    # Here, because loading it takes as long as all else that most verbs need.
    from outkept.config.load import load

    path = config or default_file()
    loaded = load(path, CommandLine() if path else CommandLine(ranges=(ANY_RANGE,)))
    if loaded.settings is None:
        fail_all(loaded.problems)
    return Path(loaded.settings.state)
