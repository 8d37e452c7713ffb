"""Opening the state directory: what is made, and what is refused without being touched."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from outkept.store import StateDamaged, StateInUse, StateNewer, StateUnwritable, Store
from outkept.store.database import open_database
from outkept.store.schema import MIGRATIONS
from tests.store.values import event, reading

HOLD = """
import sys
from pathlib import Path
from outkept.store import Store
store = Store.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def one_line(error: BaseException, *parts: str) -> bool:
    text = str(error)
    return "\n" not in text and all(part in text for part in parts)


@contextmanager
def daemon(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has the directory open. Its end is waited for."""
    command = [sys.executable, "-c", HOLD, str(directory)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as child:
        assert child.stdout
        assert child.stdout.readline() == "open\n"
        yield child


def contents(directory: Path) -> dict[str, bytes]:
    names = ("outkept.db", "outkept.db-wal")
    return {n: (directory / n).read_bytes() for n in names if (directory / n).exists()}


async def make_state(directory: Path) -> Path:
    """A state that was closed in order; its database."""
    store = Store.open(directory)
    for number in range(200):
        await store.add_event(event(f"number {number}"))
    await store.close()
    return directory / "outkept.db"


async def test_a_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store.open(tmp_path / "deep" / "state")
    finally:
        os.umask(before)
    store.add_readings([reading(1.0)])
    await store.flush()
    made = list((tmp_path / "deep" / "state").iterdir())
    assert {path.name for path in made} >= {"outkept.db", "outkept.db-wal", "outkept.lock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert stat.S_IMODE((tmp_path / "deep" / "state").stat().st_mode) == 0o700
    await store.close()


def test_a_second_daemon_is_refused_and_told_whose_the_directory_is(tmp_path: Path) -> None:
    with daemon(tmp_path) as first:
        with pytest.raises(StateInUse) as refused:
            Store.open(tmp_path)
        assert one_line(refused.value, f"pid {first.pid}", str(tmp_path))
        first.kill()
    asyncio.run(Store.open(tmp_path).close())


async def test_a_second_store_in_the_same_process_is_refused(tmp_path: Path, store: Store) -> None:
    with pytest.raises(StateInUse, match=f"pid {os.getpid()}"):
        Store.open(tmp_path / "state")


def _no_database(path: Path) -> None:
    path.write_bytes(b"these are my tax returns\n" * 100)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _torn_header(path: Path) -> None:
    path.write_bytes(b"\0" * 50 + path.read_bytes()[50:])


def _cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def _zeroed_page(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\0" * 4096 + whole[12288:])


def _other_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


@pytest.mark.parametrize(
    "damage", [_no_database, _empty, _torn_header, _cut_short, _zeroed_page, _other_program]
)
async def test_a_damaged_database_is_named_and_not_touched(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = await make_state(tmp_path)
    damage(path)
    before = contents(tmp_path)
    for _ in range(2):
        with pytest.raises(StateDamaged) as refused:
            Store.open(tmp_path)
        assert one_line(refused.value, str(path), "move it away")
    assert contents(tmp_path)["outkept.db"] == before["outkept.db"]


def test_damage_after_a_crash_is_found_with_the_log_left_alone(tmp_path: Path) -> None:
    path = asyncio.run(make_state(tmp_path))
    with daemon(tmp_path) as child, closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO meta VALUES ('in', 'the log')")
        connection.commit()
        log = contents(tmp_path)
        child.kill()
    for name, content in log.items():
        (tmp_path / name).write_bytes(content)
    _zeroed_page(path)
    before = contents(tmp_path)
    assert before["outkept.db-wal"]
    with pytest.raises(StateDamaged):
        Store.open(tmp_path)
    assert contents(tmp_path) == before


async def test_a_newer_database_is_named_and_not_touched(tmp_path: Path) -> None:
    path = await make_state(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = contents(tmp_path)
    with pytest.raises(StateNewer) as refused:
        Store.open(tmp_path)
    assert one_line(refused.value, str(path), "update Outkept")
    assert contents(tmp_path)["outkept.db"] == before["outkept.db"]


async def test_a_migration_keeps_what_there_is_and_is_done_once(tmp_path: Path) -> None:
    await make_state(tmp_path)
    more = (*MIGRATIONS, ("CREATE TABLE notes (text TEXT)", "INSERT INTO notes VALUES ('new')"))
    for _ in range(2):
        _, connection = open_database(tmp_path, more)
        with closing(connection):
            assert connection.execute("SELECT count(*) FROM events").fetchone() == (200,)
            assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)


async def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path) -> None:
    await make_state(tmp_path)
    wrong = (*MIGRATIONS, ("CREATE TABLE notes (text TEXT)", "INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(StateDamaged):
        open_database(tmp_path, wrong)
    await Store.open(tmp_path).close()


async def test_a_start_that_was_killed_while_making_the_database_is_begun_anew(
    tmp_path: Path,
) -> None:
    (tmp_path / "outkept.db.new").write_bytes(b"half of it")
    store = Store.open(tmp_path)
    await store.add_event(event())
    await store.close()


def test_a_file_in_the_place_of_the_directory_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    for directory in (tmp_path / "state", tmp_path / "state" / "deeper"):
        with pytest.raises(StateUnwritable) as refused:
            Store.open(directory)
        assert one_line(refused.value, str(directory), "--state")


def test_a_directory_of_somebody_else_is_one_line(tmp_path: Path) -> None:
    """As another user where the tests run as root, who may write everywhere."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.geteuid() == 0:
        locked = Path("/proc/outkept-state")
    with pytest.raises(StateUnwritable) as refused:
        Store.open(locked / "state")
    assert one_line(refused.value, str(locked))


def test_a_directory_in_the_place_of_the_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "outkept.db").mkdir()
    with pytest.raises(StateUnwritable) as refused:
        Store.open(tmp_path)
    assert one_line(refused.value, "outkept.db")
