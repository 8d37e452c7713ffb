"""Many rows in few statements, in SQLite itself."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from outkept.store.bulk import SIZES, insert


@given(st.integers(0, 2 * max(SIZES) + 100))
def test_every_row_is_inserted_once_and_in_order(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, weight REAL)")
    rows = [(number, f"thing {number}", number / 2) for number in range(count)]
    insert(connection, "INSERT INTO things", rows)
    insert(connection, "INSERT OR REPLACE INTO things", rows[: count // 2])
    assert connection.execute("SELECT * FROM things ORDER BY id").fetchall() == rows
    connection.close()
