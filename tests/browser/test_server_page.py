"""The page of one server as a person sees it."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet, sensor, server, varied

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = "#/server/a"
DRAWN = """(canvas) => {
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const colours = new Set();
  for (let at = 0; at < pixels.length; at += 4) {
    if (pixels[at + 3] > 200) colours.add(pixels.slice(at, at + 3).join());
  }
  return colours.size;
}"""


def one() -> Fleet:
    sensors = [
        sensor("load", 2.5, warning=8, alarm=16, description="Load over a minute."),
        sensor("disk", 61.0, "%", instance="/var", warning=85, alarm=95),
        sensor("traffic", 12_345_678.0, "B/s", instance="eth0"),
        sensor("kernel", "6.1.0-21-amd64"),
        sensor("mysql", None, status="failed", at=None, reason="exit status 1: access denied"),
    ]
    return Fleet([server("a", "alpha.example.net", sensors=sensors)])


def card(page: Page, name: str) -> Locator:
    return page.locator(".sensor").filter(has=page.get_by_role("heading", name=name))


async def test_it_tells_who_the_machine_is(visit: Visitor) -> None:
    opened = await visit(one(), PAGE)
    machine = opened.page.locator("section", has=opened.page.get_by_role("heading", name="Machine"))
    for fact in ("Debian GNU/Linux 12", "8 GiB", "x86_64", "52:54:00:12:34:56", "SHA256:J7g1e6"):
        await expect(machine).to_contain_text(fact)
    await opened.assert_no_complaints()


async def test_every_sensor_has_value_age_and_level(visit: Visitor) -> None:
    opened = await visit(one(), PAGE)
    load = card(opened.page, "load")
    await expect(load).to_contain_text("2.5")
    await expect(load).to_contain_text("Normal")
    await expect(load).to_contain_text("ago")
    await expect(load).to_contain_text("Load over a minute. Warning ≥ 8, alarm ≥ 16.")
    await expect(card(opened.page, "traffic")).to_contain_text("12.3 MB/s")
    failed = card(opened.page, "mysql")
    await expect(failed).to_contain_text("Failed")
    await expect(failed).to_contain_text("exit status 1: access denied")
    await expect(failed).to_contain_text("no reading yet")
    opened.fleet.read("a", "load", value=17.0, status="alarmed")
    await expect(load).to_contain_text("17")
    await expect(load).to_contain_text("Alarmed")


async def test_a_chart_is_drawn(visit: Visitor) -> None:
    opened = await visit(one(), PAGE)
    load = card(opened.page, "load")
    await expect(load.locator(".chart-readout")).to_contain_text("Between")
    canvas = await load.locator("canvas").element_handle()
    await opened.page.wait_for_function(f"(canvas) => ({DRAWN})(canvas) > 3", arg=canvas)
    assert canvas is not None
    await expect(card(opened.page, "kernel").locator("canvas")).to_have_count(0)
    await opened.assert_no_complaints()


THRESHOLD = """(canvas) => {
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const alarm = [0xba, 0x1f, 0x1f];
  for (let at = 0; at < pixels.length; at += 4) {
    if (pixels[at + 3] > 60 && alarm.every((part, i) => Math.abs(pixels[at + i] - part) < 12))
      return true;
  }
  return false;
}"""


async def test_thresholds_are_drawn_though_live_readings_come_without(visit: Visitor) -> None:
    opened = await visit(one(), PAGE, color_scheme="light")
    await expect(card(opened.page, "disk").locator("canvas")).to_be_visible()
    drawn = f"() => [...document.querySelectorAll('canvas')].some({THRESHOLD})"
    await opened.page.wait_for_function(drawn)


async def test_pointing_at_a_chart_reads_it(visit: Visitor) -> None:
    opened = await visit(one(), PAGE)
    load = card(opened.page, "load")
    await expect(load.locator(".chart-readout")).to_contain_text("Between")
    await load.locator(".u-over").hover()
    await expect(load.locator(".chart-readout")).to_contain_text(" to ")


async def test_it_says_why_a_sensor_does_not_apply(visit: Visitor) -> None:
    opened = await visit(one(), PAGE)
    await opened.page.get_by_role("heading", name="Sensors that don't apply").click()
    await expect(opened.page.get_by_text("the verifier did not say yes")).to_be_visible()


async def test_a_quarantined_server_says_why(visit: Visitor) -> None:
    opened = await visit(one(), PAGE)
    reason = "the host key was ssh-ed25519 SHA256:AAA and is ssh-ed25519 SHA256:BBB"
    opened.fleet.change("a", status="quarantined", connected=False, reason=reason)
    await expect(opened.page.locator("div.callout")).to_contain_text(reason)
    await expect(opened.page.locator(".server-title")).to_contain_text("Quarantined")


async def test_reactions_show_what_ran_and_what_came_of_it(visit: Visitor) -> None:
    fleet = varied()
    server_id = fleet.acted[0]["server"]
    opened = await visit(fleet, f"#/server/{server_id}")
    action = opened.page.locator(".action")
    await expect(action).to_contain_text("done, exit status 0")
    await expect(action).to_contain_text("journalctl --vacuum-size=200M")
    await action.get_by_text("Output").click()
    await expect(action.get_by_text("freed 1.2G")).to_be_visible()


async def test_its_events_come_in_live(visit: Visitor) -> None:
    opened = await visit(one(), PAGE)
    await expect(
        opened.page.locator("#server-page").get_by_text("Nothing happened yet")
    ).to_be_visible()
    opened.fleet.tell("warned", "load is 9", server="a")
    opened.fleet.tell("warned", "of another server", server="c")
    events = opened.page.locator(".server .event")
    await expect(events).to_have_count(1)
    await expect(events).to_contain_text("load is 9")


async def test_a_server_that_is_not_there_is_said_so(visit: Visitor) -> None:
    opened = await visit(one(), "#/server/nobody")
    await expect(opened.page.get_by_role("alert")).to_contain_text("no server has the id 'nobody'")
    await opened.page.get_by_role("link", name="All servers").click()
    await expect(opened.page.get_by_role("heading", name="Fleet", level=1)).to_be_visible()


async def test_sensors_stand_in_the_groups_of_the_library(visit: Visitor) -> None:
    opened = await visit(grouped(), PAGE)
    groups = opened.page.locator(".sensor-group summary")
    await expect(groups).to_have_text(["System2", "Disk3", "Mine1"])
    disk = opened.page.locator(".sensor-group", has_text="Disk")
    await expect(disk.locator(".family h4")).to_have_text("disk")
    await expect(disk.locator(".sensor .sensor-instance")).to_have_text(["/", "/srv/9", "/srv/10"])
    await groups.first.click()
    await expect(card(opened.page, "load")).to_be_hidden()


async def test_finding_a_sensor_leaves_only_those_and_is_in_the_address(visit: Visitor) -> None:
    opened = await visit(grouped(), PAGE)
    await opened.page.get_by_label("Find a sensor").fill("disk srv")
    await expect(opened.page.locator(".sensor:visible")).to_have_count(2)
    await expect(opened.page.locator(".sensor-group:visible")).to_have_count(1)
    await opened.page.reload()
    await expect(opened.page.locator(".sensor:visible")).to_have_count(2)
    await opened.page.get_by_label("Find a sensor").press("Escape")
    await expect(opened.page.locator(".sensor:visible")).to_have_count(6)
    await opened.page.get_by_label("Find a sensor").fill("nothing like it")
    await expect(opened.page.get_by_text("No sensor here has all of these words")).to_be_visible()


async def test_whoever_has_the_focus_keeps_it_while_sensors_come_and_go(visit: Visitor) -> None:
    opened = await visit(grouped(), PAGE)
    chart = opened.page.get_by_role("group", name="History of uptime")
    await chart.focus()
    more = [sensor("aaa", 1.0, group="another"), sensor("zzz", 1.0, group="system")]
    opened.fleet.change("a", sensors=more + opened.fleet.by_id["a"]["sensors"])
    await expect(opened.page.locator(".sensor")).to_have_count(8)
    await expect(chart).to_be_focused()


async def test_what_needs_attention_is_named_first_and_leads_there(visit: Visitor) -> None:
    opened = await visit(grouped(), PAGE)
    await expect(opened.page.locator(".attention-item")).to_have_count(0)
    opened.fleet.read("a", "backup_age", value=99.0, status="alarmed")
    item = opened.page.locator(".attention-item")
    await expect(item).to_contain_text("Alarmed")
    await expect(item).to_contain_text("backup_age")
    await item.click()
    await expect(card(opened.page, "backup_age")).to_be_focused()
    await opened.page.get_by_role("button", name="Need attention 1").click()
    await expect(opened.page.locator(".sensor:visible")).to_have_count(1)


def grouped() -> Fleet:
    sensors = [
        sensor("backup_age", 3.0, "d", group="mine", warning=7, alarm=30),
        *(
            sensor("disk", 61.0, "%", instance=at, group="disk")
            for at in ("/srv/9", "/", "/srv/10")
        ),
        sensor("uptime", 864_000.0, "s", group="system"),
        sensor("load", 2.5, group="system", warning=8, alarm=16),
    ]
    return Fleet([server("a", "alpha.example.net", sensors=sensors)])
