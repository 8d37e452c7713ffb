"""Serves the varied fleet, breathing, until interrupted: to look at the page while working on it.

python -m tests.serve [PORT [SERVERS]]

It prints a link that signs in, as often as it is opened, for an hour.
"""

import asyncio
import random
import sys

from tests.serve.daemon import Reusable, daemon
from tests.serve.fleet import breathe, varied
from tests.serve.fleetwide import furnish
from tests.serve.people import act, attend


async def main(port: int, count: int) -> None:
    chance = random.Random(1)
    fleet = varied(count)
    furnish(fleet)
    await attend(fleet)
    await act(fleet)
    async with daemon(fleet, port=port, interval=0.25, rules=Reusable) as running:
        print(running.link, flush=True)  # noqa: T201
        while True:
            await asyncio.sleep(0.3)
            breathe(fleet, chance, max(4, count // 32))


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    try:
        asyncio.run(main(*(arguments + [8899, 32][len(arguments) :])))
    except KeyboardInterrupt:
        sys.exit(0)
