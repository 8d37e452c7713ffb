"""Reading a text file that may be anything."""

import re
import stat
from pathlib import Path

from outkept.config.problems import Place, Problem

MOST_BYTES = 4 << 20
"""A larger file is not a configuration; reading it would only cost memory."""

_NOT_IN_YAML = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""The complement of YAML 1.1's c-printable (§5.1); a byte order mark inside is no better."""


def read_text(path: Path) -> str | Problem:
    """The text of a regular UTF-8 file of at most 4 MB, or the one problem with it."""
    whole = Place(str(path))
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return Problem.at(whole, "it is a directory", "name a file")
        if not stat.S_ISREG(mode):
            return Problem.at(whole, "it is not a regular file", "name a regular file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Problem.at(whole, "there is no such file", "create it or correct the path")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Problem.at(whole, f"it can't be read: {reason}", "make it readable")
    if len(data) > MOST_BYTES:
        return Problem.at(whole, "it is larger than 4 MB", "split it, or name the right file")
    return _decoded(data, whole.file)


def _decoded(data: bytes, file: str) -> str | Problem:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Problem(file, line, "it is not UTF-8 text", "save it as UTF-8")
    odd = _NOT_IN_YAML.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        what = f"it holds the control character {odd[0]!a}"
        return Problem(file, line, what, "remove it, or write it as an escape in double quotes")
    return text
