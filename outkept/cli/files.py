"""The configuration that is there without being named."""

from pathlib import Path

DEFAULT_FILES = (Path("config.yaml"), Path("/etc/outkept/config.yaml"))
"""Looked for, in this order, when neither a file nor a range is named."""


def default_file() -> Path | None:
    """The first of them that exists."""
    return next((path for path in DEFAULT_FILES if path.exists()), None)
