"""The overview as a person sees it: what needs attention, and what happened."""

import time
from dataclasses import replace

import pytest
from playwright.async_api import Locator, Page, expect

from outkept.model.silence import Silence
from tests.browser.conftest import Visitor
from tests.serve.fleet import QUEUED_UP, Fleet, sensor, server, sweep, varied

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST = "0000b1c2d3e4"


def tile(page: Page, hostname: str) -> Locator:
    return (
        page.get_by_role("listitem")
        .filter(has=page.get_by_role("link", name=hostname))
        .and_(page.locator(".tile"))
    )


def small() -> Fleet:
    """Three servers, each with something that keeps it in view."""
    return Fleet(
        [
            server(
                "a",
                "alpha.example.net",
                status="warned",
                sensors=[sensor("load", 0.5), sensor("users", 2)],
            ),
            server("b", "beta.example.net", status="warned", addresses=["10.0.0.2", "10.9.9.9"]),
            server("c", "gamma.example.net", status="warned", labels={"site": "lisbon"}),
        ]
    )


async def test_what_needs_attention_has_a_tile_with_level_and_values(visit: Visitor) -> None:
    opened = await visit(varied())
    await expect(opened.page.locator(".tile")).to_have_count(8)
    alarmed = tile(opened.page, "mail01.madrid.example.net")
    await expect(alarmed).to_contain_text("Alarmed")
    await expect(alarmed).to_contain_text("23.4")
    await expect(alarmed.locator(".tile-head > .level svg")).to_have_count(1)
    await opened.assert_no_complaints()


async def test_all_clear_is_said(visit: Visitor) -> None:
    fleet = Fleet([server("a", "alpha.example.net")])
    opened = await visit(fleet)
    page = opened.page
    await expect(page.get_by_text("All clear")).to_be_visible()
    await expect(page.get_by_text("All 1 servers are connected and normal.")).to_be_visible()
    fleet.change("a", status="alarmed")
    await expect(tile(page, "alpha.example.net")).to_be_visible()
    await expect(page.get_by_text("All clear")).to_be_hidden()
    fleet.change("a", status="normal")
    await expect(page.get_by_text("All clear")).to_be_visible()
    await expect(page.locator(".tile")).to_have_count(0)
    await opened.assert_no_complaints()


async def test_values_move_without_a_reload(visit: Visitor) -> None:
    opened = await visit(small())
    alpha = tile(opened.page, "alpha.example.net")
    await expect(alpha.locator(".cell", has_text="load")).to_contain_text("0.5")
    opened.fleet.read("a", "load", value=3.75)
    await expect(alpha.locator(".cell", has_text="load")).to_contain_text("3.75")
    await opened.assert_no_complaints()


async def test_a_level_change_is_said_in_words_and_comes_first(visit: Visitor) -> None:
    opened = await visit(small())
    first = opened.page.locator(".tile").first
    await expect(first).to_contain_text("alpha")
    opened.fleet.change("c", status="alarmed")
    await expect(first).to_contain_text("gamma")
    await expect(first).to_contain_text("Alarmed")
    await expect(opened.page).to_have_title("(1) alarmed – Overview – Outkept")
    opened.fleet.change("c", status="warned")
    await expect(first).to_contain_text("alpha")


async def test_servers_appear_when_found_and_go_when_removed(visit: Visitor) -> None:
    opened = await visit(Fleet())
    await expect(opened.page.get_by_text("No servers yet")).to_be_visible()
    opened.fleet.put(server("n", "newcomer.example.net", status="warned"))
    await expect(tile(opened.page, "newcomer.example.net")).to_be_visible()
    await expect(opened.page.get_by_text("No servers yet")).to_be_hidden()
    opened.fleet.remove("n")
    await expect(opened.page.locator(".tile")).to_have_count(0)


async def test_a_queued_up_server_explains_itself(visit: Visitor) -> None:
    fleet = small()
    channels = fleet.by_id["b"]["channels"] | {"queued_up": QUEUED_UP}
    fleet.change("b", queued_up=True, channels=channels)
    opened = await visit(fleet)
    badge = tile(opened.page, "beta.example.net").locator("details")
    await expect(badge).to_have_attribute("title", QUEUED_UP)
    await expect(badge.get_by_text(QUEUED_UP)).to_be_hidden()
    await badge.get_by_text("Queued up").click()
    await expect(badge.get_by_text(QUEUED_UP)).to_be_visible()
    fleet.change("b", queued_up=False)
    await expect(badge).to_be_hidden()


async def test_a_server_whose_sensors_fail_is_not_all_clear(visit: Visitor) -> None:
    well = [sensor("load", 0.5), sensor("users", 2)]
    fleet = Fleet([server("a", "alpha.example.net", sensors=well)])
    opened = await visit(fleet)
    page = opened.page
    clear = page.get_by_text("All clear")
    await expect(clear).to_be_visible()
    fleet.read("a", "users", status="failed", reason="exit status 127: who: not found")
    alpha = tile(page, "alpha.example.net")
    await expect(alpha).to_contain_text("1 sensor fails")
    fleet.read("a", "load", status="failed", reason="empty output")
    await expect(alpha).to_contain_text("2 sensors fail")
    chip = page.get_by_role("button", name="Sensors fail")
    await expect(chip).to_contain_text("1")
    fleet.change("a", sensors=well[:1])
    await expect(clear).to_be_visible()
    await expect(chip).to_contain_text("0")
    fleet.read("a", "load", status="failed", reason="empty output")
    await chip.click()
    await expect(alpha).to_contain_text("1 sensor fails")
    # A series that is no more, and with it what was wrong.
    fleet.change("a", sensors=[])
    await expect(page.get_by_text("None of 1 servers is in this state.")).to_be_visible()
    await expect(chip).to_contain_text("0")
    await opened.assert_no_complaints()


async def test_what_people_look_at_first_is_on_a_tile(visit: Visitor) -> None:
    many = ["temperature", "uptime", "swap", "disk", "memory", "cpu", "users", "load"]
    sensors = [sensor(name, 1) for name in many]
    opened = await visit(
        Fleet([server("a", "alpha.example.net", status="warned", sensors=sensors)])
    )
    names = opened.page.locator(".tile .cell dt")
    await expect(names).to_have_text(["load", "users", "cpu", "memory", "disk", "swap"])


async def test_a_disconnected_server_says_since_when(visit: Visitor) -> None:
    opened = await visit(small())
    opened.fleet.change(
        "a", status="disconnected", connected=False, last_seen=time.time() - 3 * 3600 - 30
    )
    alpha = tile(opened.page, "alpha.example.net")
    await expect(alpha).to_contain_text("Disconnected, seen 3 h ago")


async def test_failed_and_stale_values_do_not_look_current(visit: Visitor) -> None:
    fleet = small()
    fleet.read("a", "load", status="failed", reason="exit status 127: uptime: not found")
    fleet.read("a", "users", status="stale")
    opened = await visit(fleet)
    alpha = tile(opened.page, "alpha.example.net")
    failed = alpha.locator(".cell", has_text="load")
    await expect(failed).to_contain_text("Failed")
    await expect(failed).to_have_attribute(
        "title", "load: Failed: exit status 127: uptime: not found"
    )
    await expect(failed.locator(".cell-value")).to_have_css("text-decoration-line", "line-through")
    await expect(alpha.locator(".cell", has_text="users")).to_contain_text("Stale")


async def test_chips_filter_and_count(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    await page.get_by_role("button", name="Alarmed 2").click()
    await expect(page.locator(".tile")).to_have_count(2)
    await page.get_by_role("button", name="Alarmed or warned 3").click()
    await expect(page.locator(".tile")).to_have_count(3)
    await page.get_by_role("button", name="Queued up 1").click()
    await expect(page.locator(".tile")).to_have_count(1)
    await page.get_by_role("button", name="Quarantined 1").click()
    await expect(page.locator(".tile")).to_contain_text("Quarantined")
    await page.get_by_role("button", name="Disconnected 2").click()
    await expect(page.locator(".tile")).to_have_count(2)
    assert "show=disconnected" in page.url
    await page.reload()
    await expect(page.locator(".tile")).to_have_count(2)
    await page.go_back()
    await expect(page.locator(".tile")).to_have_count(1)


async def test_a_pinned_server_stays_in_view_though_it_is_well(visit: Visitor) -> None:
    opened = await visit(small())
    page = opened.page
    await page.get_by_role("button", name="Pin beta.example.net").click()
    opened.fleet.change("b", status="normal")
    opened.fleet.change("c", status="normal")
    await expect(page.locator(".tile")).to_have_count(2)
    await expect(tile(page, "beta.example.net")).to_contain_text("Normal")
    await page.reload()
    await expect(tile(page, "beta.example.net")).to_be_visible()
    await page.get_by_role("button", name="Pin beta.example.net").click()
    await expect(page.locator(".tile")).to_have_count(1)


async def test_the_levels_lead_to_their_servers(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    levels = page.get_by_role("region", name="Servers by level")
    await expect(levels).to_contain_text("26 normal")
    await levels.get_by_role("link", name="2 alarmed").click()
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    await expect(page.get_by_text("2 of 32 servers")).to_be_visible()


async def test_a_server_that_begins_to_match_appears(visit: Visitor) -> None:
    opened = await visit(small(), "#/?show=alarmed")
    await expect(opened.page.get_by_text("None of these")).to_be_visible()
    opened.fleet.change("b", status="alarmed")
    await expect(tile(opened.page, "beta.example.net")).to_be_visible()
    opened.fleet.change("b", status="normal")
    await expect(opened.page.locator(".tile")).to_have_count(0)


async def test_events_come_in_live_after_those_before(visit: Visitor) -> None:
    fleet = small()
    fleet.tell("connected", "connected as outkept", server="b")
    opened = await visit(fleet)
    events = opened.page.get_by_role("complementary").locator(".event")
    await expect(events).to_have_count(1)
    fleet.tell("alarmed", "load is 23.4", server="a", sensor="load", value=23.4)
    await expect(events).to_have_count(2)
    await expect(events.first).to_contain_text("Alarmed")
    await expect(events.first).to_contain_text("load is 23.4")
    await events.first.get_by_role("link", name="alpha.example.net").click()
    await expect(opened.page.get_by_role("heading", level=1)).to_have_text("alpha.example.net")


async def test_counters_follow_the_stats(visit: Visitor) -> None:
    opened = await visit(varied())
    counters = opened.page.locator("#counters")
    await expect(counters.locator(".counter-servers")).to_contain_text("32")
    await expect(counters.locator(".counter-warned dd")).to_have_text("1")
    opened.fleet.tell("warned", "again")
    await expect(counters.locator(".counter-warned dd")).to_have_text("2")
    await expect(opened.page.locator("#pulse")).to_contain_text("1.5 events/s")


async def test_a_sweep_shows_how_far_it_is(visit: Visitor) -> None:
    fleet = small()
    fleet.swept = [sweep("s", "10.0.0.0/16", total=1000, done=410, found=7, rate=100, left_s=38)]
    opened = await visit(fleet)
    lines = opened.page.get_by_role("list", name="Sweeps under way")
    await expect(lines).to_contain_text("41 % · 100/s · 7 found · 38 s left")
    bar = lines.get_by_role("progressbar", name="Sweep of 10.0.0.0/16")
    await expect(bar).to_have_js_property("value", 0.41)
    fleet.swept = [fleet.swept[0] | {"done": 1000, "left_s": 0.0, "finished": time.time()}]
    await expect(bar).to_have_count(0)


async def test_no_more_tiles_than_people_look_through(visit: Visitor) -> None:
    fleet = Fleet(server(f"s{n}", f"s{n}.example.net", status="alarmed") for n in range(150))
    opened = await visit(fleet)
    await expect(opened.page.locator(".tile")).to_have_count(120)
    await expect(opened.page.get_by_text("and 30 more")).to_be_visible()


async def test_the_last_message_is_in_the_header_of_every_page(visit: Visitor) -> None:
    fleet = small()
    opened = await visit(fleet, "#/fleet")
    banner = opened.page.get_by_role("banner")
    fleet.tell("alarmed", "load is 23.4", server="a", sensor="load", value=23.4)
    await expect(banner).to_contain_text("Alarmed")
    await expect(banner).to_contain_text("load is 23.4")
    await expect(banner.get_by_role("link", name="alpha.example.net")).to_be_visible()


async def test_what_is_silenced_needs_no_attention_and_is_shown_apart(visit: Visitor) -> None:
    fleet = small()
    for server_id in "bc":
        fleet.change(server_id, status="normal")
    fleet.read("a", "load", status="warned")
    opened = await visit(fleet)
    page = opened.page
    alpha = tile(page, "alpha.example.net")
    await expect(alpha).to_be_visible()
    now = time.time()
    made = await fleet.desk.add_silence(
        Silence(now - 60, now + 3600, "new kernel", "ada", "alpha*", "load")
    )
    await expect(alpha).to_be_hidden()
    await expect(page.locator(".all-clear")).to_contain_text(
        "1 of 3 servers is silenced, the others are connected and normal."
    )
    await expect(page.get_by_label("Servers by level")).to_contain_text("1 warned")
    await expect(page.get_by_label("Servers by level")).to_contain_text("1 silenced")
    await page.get_by_role("button", name="Silenced 1").click()
    await expect(alpha.locator(".tile-state")).to_have_text("Warned Silenced")
    await page.get_by_role("button", name="Warned 1", exact=True).click()
    await expect(alpha).to_be_visible()
    # Something else is wrong: it is of interest again, and says which part is silenced.
    fleet.read("a", "users", status="alarmed", value=90)
    fleet.change("a", status="alarmed")
    await page.get_by_role("button", name="Needs attention 1").click()
    await expect(alpha.locator(".cell", has_text="load")).to_have_attribute(
        "title", "load (silenced): Warned"
    )
    await expect(alpha.locator(".cell", has_text="load")).to_contain_text("Silenced")
    await expect(alpha.locator(".cell", has_text="users")).not_to_contain_text("Silenced")
    await fleet.desk.end_silence(made["id"], "ada")
    await expect(alpha.locator(".cell", has_text="load")).not_to_contain_text("Silenced")
    await opened.assert_no_complaints()


async def test_that_notices_reach_nobody_is_said(visit: Visitor) -> None:
    fleet = small()
    failing, *others = fleet.notices.states
    opened = await visit(fleet)
    page = opened.page
    untold = page.locator(".untold")
    await expect(untold).to_have_text("1 target of notices can't be reached; 1 notice waits.")
    fleet.notices.states = [replace(failing, queued=0), *others]
    await expect(untold).to_have_text("1 target of notices can't be reached.")
    await untold.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Notices")
    await page.go_back()
    await expect(untold).to_be_visible()
    fleet.notices.states = others
    await expect(untold).to_be_hidden()
    await opened.assert_no_complaints()
