"""The charts of a server's page: which time they show, how one gets to another, what they cost."""

import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Locator, Page, expect

from outkept.serve.source import Points
from tests.browser.conftest import Visit, Visitor
from tests.serve.fleet import Fleet, sensor, server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = "#/server/a"
YEAR = 365 * 86400


class Asked(Fleet):
    """Remembers what history was asked for: (sensor, from, to)."""

    def __init__(self, count: int = 2) -> None:
        sensors = [
            sensor(f"s{number:02}", 10.0 + number, group="system") for number in range(count)
        ]
        super().__init__([server("a", "alpha.example.net", sensors=sensors)])
        self.asked: list[tuple[str, float, float]] = []

    async def history(
        self,
        server_id: str,
        sensor: str,
        instance: str | None,
        from_: float,
        to: float,
        points: int,
    ) -> Points | None:
        self.asked.append((sensor, from_, to))
        return await super().history(server_id, sensor, instance, from_, to, points)

    @property
    def spans(self) -> list[int]:
        """Seconds asked for, the last two times."""
        return [round(to - from_) for _, from_, to in self.asked[-2:]]


def card(page: Page, name: str) -> Locator:
    return page.locator(".sensor").filter(has=page.get_by_role("heading", name=name))


async def drawn(opened: Visit, *names: str) -> None:
    for name in names:
        await expect(card(opened.page, name).locator(".chart-readout")).to_contain_text("Between")


async def address(page: Page) -> dict[str, str]:
    query = parse_qs(urlsplit(await page.evaluate("location.hash.slice(1)")).query)
    return {name: values[0] for name, values in query.items()}


async def drag(chart: Locator, start: float, end: float) -> None:
    """Over the plot, from one share of its width to another."""
    box = await chart.locator(".u-over").bounding_box()
    assert box is not None
    mouse, y = chart.page.mouse, box["y"] + box["height"] / 2
    await mouse.move(box["x"] + start * box["width"], y)
    await mouse.down()
    await mouse.move(box["x"] + (start + end) / 2 * box["width"], y, steps=4)
    await mouse.move(box["x"] + end * box["width"], y, steps=4)
    await mouse.up()
    await mouse.move(0, 0)


@pytest.mark.parametrize(
    ("name", "span"),
    [("15m", 900), ("6h", 21600), ("7d", 7 * 86400), ("30d", 30 * 86400), ("2y", 2 * YEAR)],
)
async def test_each_range_asks_for_its_time_and_is_in_the_address(
    visit: Visitor, name: str, span: int
) -> None:
    fleet = Asked()
    opened = await visit(fleet, PAGE)
    await drawn(opened, "s00", "s01")
    button = opened.page.get_by_role("button", name=name, exact=True)
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    await expect(opened.page).to_have_url(re.compile(f"range={name}"))
    await opened.page.reload()
    await expect(button).to_have_attribute("aria-pressed", "true")
    await drawn(opened, "s00", "s01")
    assert fleet.spans == [span, span]
    await opened.assert_no_complaints()


async def test_dragging_zooms_all_charts_and_back_undoes_it(visit: Visitor) -> None:
    fleet = Asked()
    opened = await visit(fleet, f"{PAGE}?range=6h")
    await drawn(opened, "s00", "s01")
    await drag(card(opened.page, "s00"), 0.25, 0.5)
    live = opened.page.get_by_role("button", name="Live", exact=True)
    await expect(live).to_have_attribute("aria-pressed", "false")
    await expect(opened.page).to_have_url(re.compile("from="))
    asked = await address(opened.page)
    assert float(asked["to"]) - float(asked["from"]) == pytest.approx(6 * 900 * 1.0, rel=0.05)
    await drawn(opened, "s00", "s01")
    assert fleet.spans == [pytest.approx(5400, rel=0.05)] * 2
    await opened.page.get_by_role("button", name="Back to the time before").click()
    await expect(live).to_have_attribute("aria-pressed", "true")
    await expect(opened.page).to_have_url(re.compile("range=6h"))


async def test_the_browsers_back_leaves_a_zoom_and_not_the_page(visit: Visitor) -> None:
    opened = await visit(Asked(), f"{PAGE}?range=6h")
    await drawn(opened, "s00")
    await opened.page.get_by_role("button", name="24h").click()
    await expect(opened.page).to_have_url(re.compile("range=24h"))
    await opened.page.go_back()
    await expect(opened.page.get_by_role("button", name="6h")).to_have_attribute(
        "aria-pressed", "true"
    )


async def test_zooming_and_moving_by_buttons_and_following_the_clock_again(
    visit: Visitor,
) -> None:
    fleet = Asked()
    opened = await visit(fleet, PAGE)
    await drawn(opened, "s00", "s01")
    page = opened.page
    await page.get_by_role("button", name="Zoom out").click()
    await expect(page.locator(".timebar-text")).to_have_text("Last 2 h")
    await page.get_by_role("button", name="Zoom in").click()
    await expect(page.locator(".timebar-text")).to_have_text("Last 1 h")
    await expect(page.get_by_role("button", name="Later")).to_be_disabled()
    await page.get_by_role("button", name="Earlier").click()
    live = page.get_by_role("button", name="Live", exact=True)
    await expect(live).to_have_attribute("aria-pressed", "false")
    await expect(page.locator(".timebar-text")).to_contain_text("(1 h)")
    await page.get_by_role("button", name="Later").click()
    await expect(live).to_have_attribute("aria-pressed", "true")
    await live.click()
    await expect(live).to_have_attribute("aria-pressed", "false")
    await live.click()
    await expect(live).to_have_attribute("aria-pressed", "true")


async def test_the_cursor_is_shared_between_all_charts(visit: Visitor) -> None:
    opened = await visit(Asked(), PAGE)
    await drawn(opened, "s00", "s01")
    await card(opened.page, "s00").locator(".u-over").hover()
    told = [card(opened.page, name).locator(".chart-readout") for name in ("s00", "s01")]
    for readout in told:
        await expect(readout).to_contain_text(" to ")
    times = [(await readout.text_content() or "").split(": ")[0] for readout in told]
    assert times[0] == times[1]
    await expect(told[1]).to_have_attribute("title", re.compile(r"\d{4}"))


async def test_a_chart_is_read_and_zoomed_by_keyboard(visit: Visitor) -> None:
    opened = await visit(Asked(), PAGE)
    await drawn(opened, "s00", "s01")
    chart = opened.page.get_by_role("group", name="History of s00")
    await chart.focus()
    await chart.press("ArrowLeft")
    readout = chart.locator(".chart-readout")
    await expect(readout).to_contain_text(" to ")
    first = await readout.text_content()
    await chart.press("ArrowLeft")
    await expect(readout).not_to_have_text(first or "")
    await chart.press("-")
    await expect(opened.page.locator(".timebar-text")).to_have_text("Last 2 h")
    await chart.press("Backspace")
    await expect(opened.page.locator(".timebar-text")).to_have_text("Last 1 h")


async def test_charts_exist_only_in_view(visit: Visitor) -> None:
    fleet = Asked(60)
    opened = await visit(fleet, PAGE)
    await drawn(opened, "s00")
    assert await opened.page.locator("canvas").count() < 20
    assert "s59" not in {name for name, _, _ in fleet.asked}
    await card(opened.page, "s59").scroll_into_view_if_needed()
    await drawn(opened, "s59")
    await expect(card(opened.page, "s59").locator("canvas")).to_be_visible()
    await expect(card(opened.page, "s00").locator("canvas")).to_have_count(0)
    assert await opened.page.locator("canvas").count() < 20
    await opened.assert_no_complaints()


async def test_a_new_reading_is_in_the_chart_at_once(visit: Visitor) -> None:
    class Behind(Asked):
        """Its history is a minute behind, so that only live readings tell of the last one."""

        async def history(self, *_: Any) -> Points | None:
            now = time.time()
            return [(now - back, 10.0, 10.0, 10.0) for back in range(600, 60, -10)]

    opened = await visit(Behind(1), PAGE)
    readout = card(opened.page, "s00").locator(".chart-readout")
    await expect(readout).to_contain_text("10")
    opened.fleet.read("a", "s00", value=5000.0)
    await expect(readout).to_contain_text("Between 10 and 5,000")


async def test_level_changes_are_marked_in_the_chart(visit: Visitor) -> None:
    fleet = Asked(1)
    now = int(time.time())
    opened = await visit(fleet, f"{PAGE}?from={now - 800}&to={now}")
    await drawn(opened, "s00")
    fleet.tell("alarmed", "s00 is 17 >= 16 (alarmed)", server="a", sensor="s00", at=now - 400)
    await expect(opened.page.locator(".server .event")).to_have_count(1)
    await card(opened.page, "s00").locator(".u-over").hover()
    await expect(card(opened.page, "s00").locator(".chart-readout")).to_contain_text(
        "s00 is 17 >= 16 (alarmed)"
    )


MISSING = """([points, usual]) => import("/assets/gaps.js").then((gaps) =>
  gaps.joined(points, usual)[2].map((mean) => mean === null))"""


@pytest.mark.parametrize(
    ("times", "usual", "gaps"),
    [
        ([0, 10, 20, 30], 10, 0),
        ([0, 10, 20, 620, 630], 10, 1),
        ([0, 10, 1000, 2000, 2010], 10, 0),  # evenly far apart: kept as a coarser tier
        ([0, 15, 30, 90, 150, 210], 10, 0),  # minutes after readings
        ([0, 10, 20, 90_000, 180_000], 10, 2),  # no tier is as coarse as a day
    ],
)
async def test_a_gap_is_shown_as_one(
    visit: Visitor, times: list[float], usual: float, gaps: int
) -> None:
    opened = await visit(Asked(1), PAGE)
    await drawn(opened, "s00")
    points = [[at, 1, 1, 1] for at in times]
    holes: list[Any] = await opened.page.evaluate(MISSING, [points, usual])
    assert sum(holes) == gaps


async def test_a_time_without_readings_is_said_so(visit: Visitor) -> None:
    class Empty(Asked):
        async def history(self, *_: Any) -> Points | None:
            return []

    opened = await visit(Empty(1), PAGE)
    await expect(card(opened.page, "s00")).to_contain_text("Nothing was read in this time.")
