"""Sensors across the fleet, as a person sees them."""

import time

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet, sensor, server, varied

pytestmark = pytest.mark.asyncio(loop_scope="session")

DRAWN = """(canvas) => {
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const colours = new Set();
  for (let at = 0; at < pixels.length; at += 4) {
    if (pixels[at + 3] > 200) colours.add(pixels.slice(at, at + 3).join());
  }
  return colours.size;
}"""


def loads(*values: float) -> Fleet:
    """A server for each value, and one that doesn't have the sensor."""
    having = [
        server(
            f"s{number}",
            f"web{number}",
            sensors=[
                sensor("load", value, warning=8, alarm=16),
                sensor("kernel", "6.1" if number else "5.10"),
            ],
        )
        for number, value in enumerate(values)
    ]
    return Fleet([*having, server("none", "bare", unsupported={"load": "no /proc/loadavg"})])


def part(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


async def test_every_sensor_is_listed_with_where_its_values_lie(visit: Visitor) -> None:
    opened = await visit(varied(), "#/sensors")
    row = opened.page.get_by_role("row").filter(has_text="load")
    await expect(row).to_contain_text("32")
    await expect(row).to_contain_text("23.4")
    await expect(row).to_contain_text("1 alarmed")
    await expect(opened.page.get_by_role("row").filter(has_text="kernel")).to_contain_text("1 text")
    await opened.page.get_by_role("searchbox", name="Filter sensors").fill("mem")
    await expect(opened.page.get_by_role("row")).to_have_count(2)
    await opened.page.get_by_role("link", name="memory").click()
    await expect(opened.page.get_by_role("heading", level=1)).to_have_text("memory")
    await opened.assert_no_complaints()


async def test_the_worst_come_first_when_asked_for(visit: Visitor) -> None:
    opened = await visit(varied(), "#/sensors")
    await expect(opened.page.get_by_role("row").nth(1)).to_contain_text("cpu")
    await opened.page.get_by_role("button", name="Worst first").click()
    await expect(opened.page.get_by_role("row").nth(1)).to_contain_text("load")
    await opened.page.reload()
    await expect(opened.page.get_by_role("row").nth(1)).to_contain_text("load")


async def test_a_sensor_lists_all_its_values_sorted(visit: Visitor) -> None:
    fleet = loads(1.0, 5.0, 3.0)
    opened = await visit(fleet, "#/sensors/load")
    values = opened.page.get_by_role("list", name="Values").get_by_role("listitem")
    await expect(values).to_contain_text(["web1", "web2", "web0"])
    fleet.read("s0", "load", value=9.5, status="warned")
    await expect(values).to_contain_text(["web0", "web1", "web2"])
    await expect(values.first).to_contain_text("Warned")
    await opened.page.get_by_role("button", name="Lowest first").click()
    await expect(values).to_contain_text(["web2", "web1", "web0"])
    await opened.page.get_by_role("searchbox", name="Filter servers").fill("web2")
    await expect(values).to_have_count(1)
    await opened.assert_no_complaints()


async def test_rows_stay_where_they_are_under_the_pointer(visit: Visitor) -> None:
    fleet = loads(1.0, 5.0, 3.0)
    opened = await visit(fleet, "#/sensors/load")
    values = opened.page.get_by_role("list", name="Values").get_by_role("listitem")
    await expect(values).to_contain_text(["web1", "web2", "web0"])
    await values.first.hover()
    fleet.read("s0", "load", value=7.5)
    await expect(values.last).to_contain_text("7.5")
    await expect(values.first).to_contain_text("web1")
    await opened.page.get_by_role("heading", level=1).hover()
    fleet.read("s2", "load", value=3.1)
    await expect(values.first).to_contain_text("web0")


async def test_a_server_is_pinned_from_there(visit: Visitor) -> None:
    opened = await visit(loads(1.0, 5.0), "#/sensors/load")
    pin = opened.page.get_by_role("button", name="Pin web1")
    await pin.click()
    await expect(pin).to_have_attribute("aria-pressed", "true")
    await opened.page.reload()
    await expect(opened.page.get_by_role("button", name="Pin web1")).to_have_attribute(
        "aria-pressed", "true"
    )


async def test_the_distribution_and_its_outliers_are_told(visit: Visitor) -> None:
    opened = await visit(loads(1.0, 1.1, 1.2, 0.9, 1.05, 0.95, 20.0), "#/sensors/load")
    spread = part(opened.page, "Distribution")
    await expect(spread.get_by_role("img")).to_have_accessible_name(
        "Distribution. 7 series from 0.9 to 20; half are at 1.05 or less,"
        " nine tenths at 8.72 or less."
    )
    outliers = part(opened.page, "Outliers")
    await expect(outliers.get_by_role("listitem")).to_have_count(1)
    await expect(outliers).to_contain_text("web6")
    await expect(outliers).to_contain_text("median absolute deviation")


async def test_a_heat_map_is_drawn_and_read_with_the_keyboard(visit: Visitor) -> None:
    opened = await visit(loads(1.0, 20.0, 3.0), "#/sensors/load")
    over_time = part(opened.page, "Over time")
    await expect(over_time).to_contain_text("3 series, 24h.")
    canvas = over_time.locator("canvas")
    handle = await canvas.element_handle()
    await opened.page.wait_for_function(f"(canvas) => ({DRAWN})(canvas) > 5", arg=handle)
    await canvas.focus()
    for key in ("ArrowLeft", "ArrowDown"):
        await opened.page.keyboard.press(key)
    await expect(over_time.get_by_role("status")).to_contain_text("web1, ")
    await opened.page.keyboard.press("Enter")
    await expect(opened.page).to_have_url(f"{opened.daemon.url}#/server/s1")


async def test_another_span_of_the_heat_map_stands_in_the_address(visit: Visitor) -> None:
    opened = await visit(loads(1.0, 2.0), "#/sensors/load")
    await expect(part(opened.page, "Over time")).to_contain_text("24h.")
    await opened.page.get_by_role("button", name="7d").click()
    await expect(part(opened.page, "Over time")).to_contain_text("2 series, 7d.")
    await expect(opened.page).to_have_url(f"{opened.daemon.url}#/sensors/load?range=7d")


async def test_a_daemon_that_has_just_started_shows_the_last_hour(visit: Visitor) -> None:
    fleet = loads(1.0, 2.0)
    fleet.read_since = time.time() - 600
    opened = await visit(fleet, "#/sensors/load")
    await expect(part(opened.page, "Over time")).to_contain_text("2 series, 1h.")
    await expect(opened.page.get_by_role("button", name="1h")).to_have_attribute(
        "aria-pressed", "true"
    )
    await opened.page.get_by_role("button", name="24h").click()
    await expect(part(opened.page, "Over time")).to_contain_text("2 series, 24h.")


async def test_coverage_says_who_lacks_it_and_why(visit: Visitor) -> None:
    opened = await visit(loads(1.0, 2.0), "#/sensors/load")
    coverage = part(opened.page, "Coverage")
    await expect(coverage).to_contain_text("2 of 3 servers have it.")
    await coverage.get_by_text("no /proc/loadavg").click()
    await expect(coverage.get_by_role("link", name="bare")).to_be_visible()


async def test_the_definition_is_there(visit: Visitor) -> None:
    fleet = loads(1.0)
    fleet.defined["load"] = {
        "cmd": "cut -d' ' -f1 /proc/loadavg",
        "verifier": "test -r /proc/loadavg && echo yes",
        "reactive": "systemctl restart runaway",
        "cooldown": 300.0,
        "every": 90.0,
    }
    opened = await visit(fleet, "#/sensors/load")
    definition = part(opened.page, "Definition")
    for text in (
        "cut -d' ' -f1 /proc/loadavg",
        "test -r /proc/loadavg",
        "≥ 8",
        "≥ 16",
        "1 min 30 s",
        "systemctl restart runaway",
        "5 min",
    ):
        await expect(definition).to_contain_text(text)


async def test_a_text_shows_who_says_the_same(visit: Visitor) -> None:
    opened = await visit(loads(1.0, 2.0, 3.0), "#/sensors/kernel")
    groups = opened.page.get_by_role("list", name="Values").locator("> li")
    await expect(groups).to_have_count(2)
    await expect(groups.first).to_contain_text("6.1")
    await expect(groups.first).to_contain_text("2 servers")
    await groups.last.locator("summary").click()
    await expect(groups.last.get_by_role("link", name="web0")).to_be_visible()
    opened.fleet.read("s0", "kernel", value="6.1")
    await expect(groups).to_have_count(1)


async def test_a_sensor_that_is_not_there_is_said_so(visit: Visitor) -> None:
    opened = await visit(loads(1.0), "#/sensors/none")
    await expect(opened.page.get_by_role("alert")).to_contain_text("no sensor is called 'none'")


async def test_a_sensors_hostile_texts_stay_texts(visit: Visitor) -> None:
    fleet = Fleet(
        [server("a", "<img src=x onerror=alert(1)>", sensors=[sensor("evil", "<b>bold</b>")])]
    )
    fleet.defined["evil"] = {"cmd": "</pre><script>alert(1)</script>", "description": "<i>x</i>"}
    opened = await visit(fleet, "#/sensors/evil")
    await expect(opened.page.get_by_text("<b>bold</b>")).to_be_visible()
    await expect(opened.page.get_by_text("</pre><script>")).to_be_visible()
    await expect(opened.page.locator("main b, main i, main script, main img")).to_have_count(0)
    await opened.assert_no_complaints()


async def test_what_overrides_change_and_where_is_shown(visit: Visitor) -> None:
    fleet = loads(0.5, 1.5, 2.5)
    for server_id in ("s0", "s2"):
        fleet.change(server_id, labels={"site": "lisbon"})
    opened = await visit(fleet, "#/sensors/load")
    page = opened.page
    overrides = part(page, "Overrides")
    await expect(overrides.get_by_role("listitem").first).to_contain_text("1. labels.site=lisbon")
    await expect(overrides).to_contain_text("warning: 8 → 20 on 2 servers")
    await expect(overrides).to_contain_text("alarm: 16 → 40 on 2 servers")
    await overrides.get_by_text("Matches").click()
    await overrides.get_by_role("link", name="web2").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("web2")
    await opened.assert_no_complaints()


async def test_an_override_that_matches_nothing_says_so(visit: Visitor) -> None:
    page = (await visit(loads(0.5), "#/sensors/load")).page
    await expect(part(page, "Overrides")).to_contain_text("No server that is known matches it.")
    await page.goto(page.url.partition("#")[0] + "#/sensors/kernel")
    await expect(part(page, "Definition")).to_be_visible()
    await expect(part(page, "Overrides")).to_be_hidden()
