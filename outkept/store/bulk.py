"""Many rows in few statements.

`executemany` gives the interpreter's lock away and asks for it again for each row, and the event
loop, whose thread wants it as well, waits for it each time.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain

SIZES = (512, 64, 8, 1)
"""Rows in one statement: few sizes, so that sqlite3 keeps their statements prepared. Three columns
of 512 rows are well below SQLite's 32,766 variables."""


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    """`into` is an INSERT without its VALUES. All rows have the same number of columns."""
    at = 0
    while at < len(rows):
        size = next(size for size in SIZES if size <= len(rows) - at)
        one = f"({', '.join('?' * len(rows[at]))})"
        text = f"{into} VALUES {', '.join([one] * size)}"
        connection.execute(text, tuple(chain.from_iterable(rows[at : at + size])))
        at += size
