"""The configuration files that are looked for."""

from pathlib import Path

DEFAULT_FILES = (Path("config.yaml"), Path("/etc/outkept/config.yaml"))
"""Looked for, in this order, when neither a file nor a range is named."""


def default_file() -> Path | None:
    """The configuration that is there without being named."""
    return next((path for path in DEFAULT_FILES if path.exists()), None)
