"""The dashboard in Chromium: time to first paint, long tasks, scrolling, memory, reading to pixel.

`python -m bench.browser [--short] [--servers N] [--minutes M]`: a made-up fleet behind the real
hub and listener in one process, Debian's Chromium without a window in another.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from bench.common import Report, Row, median, parser, percentile, rounded, steps
from bench.live import INTERVAL, SENSORS, process
from outkept.serve.links import link_of, link_token
from tests.browser.conftest import CHROMIUM
from tests.serve.daemon import SECRET

PINNED = 60
"""Servers pinned in the overview: their tiles are what is watched from reading to pixel."""
LONG_MS = 50.0
WAIT_MS = 120_000

PAGES = {
    "overview": ("#/", ".tile"),
    "map": ("#/fleet", ".map canvas"),
    "list": ("#/fleet?view=list", ".list-body [role=row]"),
    "server": ("#/server/{first}", ".sensor-value"),
}
"""By name: the address, and what shows that the snapshot is on the screen."""

HERE = Path(__file__).parent
WATCH = (HERE / "watch.js").read_text(encoding="utf-8")
SCROLL = (HERE / "scroll.js").read_text(encoding="utf-8")


@dataclass
class Seen:
    """What one page showed. Milliseconds and megabytes."""

    painted: float = 0.0
    tasks: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    heap: list[float] = field(default_factory=list)


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking"],
        )
        try:
            yield launched
        finally:
            await launched.close()


async def _look(browser: Browser, url: str, name: str, servers: int, seconds: float) -> Seen:
    address, useful = PAGES[name]
    ids = [f"{number:012x}" for number in range(0, servers, max(1, servers // PINNED))][:PINNED]
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(WAIT_MS)
    try:
        page = await context.new_page()
        given = json.dumps({"useful": useful, "pins": ids})
        await page.add_init_script(f"({WATCH})({given})")
        await page.goto(link_of(url, link_token(SECRET)) + address.format(first=ids[0]))
        return await _watch(page, await context.new_cdp_session(page), useful, seconds)
    finally:
        await context.close()


async def _watch(page: Page, tools: CDPSession, useful: str, seconds: float) -> Seen:
    async with asyncio.timeout(WAIT_MS / 1000):
        seen = Seen(painted=await page.evaluate("window.bench.painted"))
    # What the snapshot left behind is done by then: after it comes the steady state.
    await asyncio.sleep(min(5.0, seconds / 4))
    seen.heap.append(await _heap(tools))
    seen.tasks, seen.wall = await _tasks(tools, min(seconds, 30.0))
    seen.gaps = await page.evaluate(SCROLL, useful)
    left = seconds - 35.0
    while left > 0:
        await asyncio.sleep(min(60.0, left))
        left -= 60.0
        seen.heap.append(await _heap(tools))
    seen.heap.append(await _heap(tools))
    seen.late = await page.evaluate("window.bench.late")
    return seen


async def _heap(tools: CDPSession) -> float:
    await tools.send("HeapProfiler.collectGarbage")
    return float((await tools.send("Runtime.getHeapUsage"))["usedSize"]) / 1e6


async def _tasks(tools: CDPSession, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of CPU and of wall time of the main thread's tasks."""
    events: list[dict[str, Any]] = []
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    tools.on("Tracing.dataCollected", lambda told: events.extend(told["value"]))

    def complete(_: dict[str, Any]) -> None:
        if not over.done():
            over.set_result(None)

    tools.on("Tracing.tracingComplete", complete)
    await tools.send(
        "Tracing.start", {"transferMode": "ReportEvents", "categories": "toplevel,__metadata"}
    )
    await asyncio.sleep(seconds)
    await tools.send("Tracing.end")
    async with asyncio.timeout(WAIT_MS / 1000):
        await over
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        event
        for event in events
        if event["name"].endswith("RunTask") and (event["pid"], event["tid"]) in mains
    ]
    cpu = [event.get("tdur", 0) / 1000 for event in tasks]
    return cpu, [event.get("dur", 0) / 1000 for event in tasks]


def _row(name: str, servers: int, seen: Seen) -> Row:
    return {
        "page": name,
        "servers": servers,
        "paint after ms": rounded(seen.painted),
        "longest task CPU ms": rounded(max(seen.tasks, default=0.0)),
        f"tasks > {LONG_MS:g} ms CPU": sum(one > LONG_MS for one in seen.tasks),
        "longest task wall ms": rounded(max(seen.wall, default=0.0)),
        "frame ms p50": rounded(median(seen.gaps)),
        "frame ms p95": rounded(percentile(seen.gaps, 0.95)),
        "late ms p50": rounded(percentile(seen.late, 0.5)) if seen.late else None,
        "late ms p95": rounded(percentile(seen.late, 0.95)) if seen.late else None,
        "heap MB first": rounded(seen.heap[0]),
        "heap MB last": rounded(seen.heap[-1]),
    }


NOTES = (
    "“paint after” is from the snapshot's arrival in the page to the frame that shows it. Tasks "
    "are the main thread's in steady state, for half a minute; their CPU leaves out that the "
    "machine gave the processor to somebody else.",
    "Frames are those of a scroll by 60 pixels a frame for 5 s. “late” is from a reading's time "
    "stamp to the frame that shows it, for the pinned servers of the overview.",
    "The heap is what is left after a garbage collection, 5 s after the snapshot and at the end.",
)


async def _all(
    url: str, pages: Sequence[str], servers: int, seconds: float, step: Any
) -> list[Row]:
    rows = []
    async with _browser() as browser:
        for name in pages:
            step(name)
            rows.append(_row(name, servers, await _look(browser, url, name, servers, seconds)))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit status."""
    made = parser(__doc__)
    made.add_argument("--servers", type=int, default=0, help="made up (10,000; short: 100)")
    made.add_argument("--minutes", type=float, default=0, help="on each page (1; short: 0.1)")
    made.add_argument("--pages", nargs="+", choices=list(PAGES), default=list(PAGES))
    options = made.parse_args(arguments)
    servers = options.servers or (100 if options.short else 10_000)
    minutes = options.minutes or (0.1 if options.short else 1.0)
    given = (str(servers), str(SENSORS), str(1.0 if options.short else INTERVAL))
    with (
        process("bench.made_up", *given) as (_, line),
        steps("browser", len(options.pages)) as step,
    ):
        url = f"http{line.removeprefix('ws').removesuffix('api/v1/live')}"
        rows = uvloop.run(_all(url, options.pages, servers, minutes * 60, step))
    parameters = {"sensors": SENSORS, "interval": f"{INTERVAL:g} s", "minutes": minutes}
    Report("browser", options.short, parameters, rows, NOTES).publish(options.results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
