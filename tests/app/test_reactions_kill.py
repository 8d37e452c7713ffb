"""`kill -9` at random moments of a thousand reactions: none starts twice, none without its intent.

On each of four machines forty new series trip every four seconds. Their reaction appends its
incident and step to a file, and so does its second step, for nothing mends them.
"""

import asyncio
import contextlib
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.app.harness import Site, until
from tests.servers import machine

RUNS, KILLS, MACHINES = 1000, 30, 4
A_LIFE = (20, 46)
"""Reactions after which a daemon is killed."""
LONGEST_LIFE_S = 300.0
"""Until it has had them. A series is there for four seconds: where it takes longer than that to
look at all of them, few react."""

TRIPS = "e=$(( $(date +%s) / 4 )); n=0; while [ $n -lt 40 ]; do echo $e.$n 11; n=$((n + 1)); done"

DAEMON = """
import asyncio, sys
from pathlib import Path
from outkept.app.daemon import running
from outkept.config.load import load
from outkept.ssh.client import Client
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import load_credentials
from outkept.store.store import Store

async def main():
    loaded = load(Path(sys.argv[1]), builtin=Path(sys.argv[2]))
    settings = loaded.settings
    keys, _ = load_credentials(loaded.key_paths(), agent=False, passphrase=lambda path: None)
    store = Store.open(settings.state)
    host_keys = HostKeys(settings.state / "known_hosts", strict=False)
    client = Client(keys, host_keys, connect_timeout=settings.ssh.connect_timeout)
    async with running(settings, loaded.sensors, store, client):
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextlib.contextmanager
def _machines(site: Site) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for number in range(1, MACHINES + 1):
            address = site.address(number)
            stack.enter_context(machine(f"web{number}", addresses=[address], port=site.port))
        yield


async def test_a_thousand_reactions_under_kill_start_once_each(site: Site, yard: Path) -> None:
    runs = yard / "runs"
    runs.touch()
    runs.chmod(0o666)
    command = f'echo "$OUTKEPT_INCIDENT $OUTKEPT_STEP" >> {runs}'
    site.sensor(
        *("trips", TRIPS),
        parse="table",
        alarm=10,
        every="200ms",
        cooldown="0s",
        reactive=command,
        fallback=f"{command}; true",
        mended_within="1s",
    )
    site.config["reactions"] = {
        "mode": "on",
        "latch": {"runs": 1000, "within": "1m"},
        "at_once": 100,
        "share": {"fleet": "100%"},
    }
    chance = random.Random()
    kills = 0
    with _machines(site):
        while kills < KILLS or len(_lines(runs)) < RUNS:
            enough = len(_lines(runs)) + chance.randint(*A_LIFE)
            with _daemon(site):
                await until(partial(_reached, runs, enough), "it reacts", LONGEST_LIFE_S)
                await asyncio.sleep(chance.uniform(0, 0.1))
            kills += 1
        # What was sent at the last moment is still under way.
        await _quiet(runs)
    ran = Counter(_lines(runs))
    intended = _intended(site.state)
    assert [one for one, times in ran.items() if times > 1] == []
    assert set(ran) - set(intended) == set()
    assert max(intended.values()) == 1


@contextlib.contextmanager
def _daemon(site: Site) -> Iterator[None]:
    """The daemon as a process, without its page; ended by `kill -9`."""
    empty = site.folder / "no-sensors"
    empty.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", DAEMON, str(site.written()), str(empty)]
    with (site.folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
    try:
        yield
        assert process.poll() is None, (site.folder / "log").read_text()
    finally:
        process.kill()
        process.wait(5)


def _reached(runs: Path, enough: int) -> bool:
    return len(_lines(runs)) >= enough


def _lines(runs: Path) -> list[str]:
    return runs.read_text().splitlines()


async def _quiet(runs: Path) -> None:
    """Return once nothing was appended for a second."""
    before, now = -1, len(_lines(runs))
    while before != now:
        await asyncio.sleep(1.0)
        before, now = now, len(_lines(runs))


def _intended(state: Path) -> Counter[str]:
    """How often each step of each incident was started, by what is on disk."""
    path = f"file:{state / 'outkept.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(path, uri=True)) as database:
        rows = database.execute(
            "SELECT incident, step FROM actions WHERE by = '' AND outcome != 'not sent'"
        ).fetchall()
    return Counter(f"{incident} {step}" for incident, step in rows)
