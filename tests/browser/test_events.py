"""Events: searched, filtered and live, as a person sees them."""

import re
import time

import pytest
from playwright.async_api import Locator, Page, expect

from outkept.model.event import Condition, EventType
from tests.browser.conftest import Visit, Visitor
from tests.serve.fleet import Fleet, sensor, server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def talkative(count: int = 0) -> Fleet:
    fleet = Fleet(
        [
            server("a", "alpha", sensors=[sensor("load", 9.0, status="warned")]),
            server("b", "beta", addresses=["10.0.0.2"]),
        ]
    )
    for number in range(count):
        at = time.time() - 9000 + number
        fleet.tell("connected", f"beta: connected for the {number}th time", server="b", at=at)
    now = time.time()
    fleet.tell("found", "found beta", server="b", at=now - 7200)
    fleet.tell("warned", "alpha: load is 9", server="a", sensor="load", value=9.0, at=now - 60)
    fleet.tell("disconnected", "beta: no answer for 15 s", server="b", at=now - 30)
    return fleet


def shown(page: Page) -> Locator:
    return page.get_by_role("list", name="Events", exact=True).get_by_role("listitem")


async def test_events_are_there_newest_first_with_their_links(visit: Visitor) -> None:
    opened = await visit(talkative(), "#/events")
    await expect(shown(opened.page)).to_contain_text(["no answer for 15 s", "load is 9", "found"])
    warned = shown(opened.page).nth(1)
    await expect(warned.locator("time")).to_have_attribute("title", re.compile("20[0-9]{2}"))
    assert await warned.get_by_role("link").all_inner_texts() == ["alpha", "load", "Incident"]
    await warned.get_by_role("link", name="Incident").click()
    await expect(opened.page.get_by_role("heading", level=1)).to_have_text("load on alpha")
    await opened.assert_no_complaints()


async def test_they_are_searched_by_the_daemon(visit: Visitor) -> None:
    opened = await visit(talkative(250), "#/events")
    await opened.page.get_by_role("searchbox", name="Search messages").fill("for the 7th time")
    await expect(shown(opened.page)).to_have_count(1)
    await expect(shown(opened.page)).to_contain_text("for the 7th time")
    await opened.page.reload()
    await expect(shown(opened.page)).to_have_count(1)
    await opened.page.get_by_role("button", name="Clear", exact=True).click()
    await expect(shown(opened.page).first).to_contain_text("no answer")


async def test_they_are_filtered_by_kind_server_sensor_and_time(visit: Visitor) -> None:
    opened = await visit(talkative(), "#/events")
    page = opened.page
    await expect(shown(page)).to_have_count(3)
    await page.get_by_role("button", name="Warned").click()
    await page.get_by_role("button", name="Found").click()
    await expect(shown(page)).to_contain_text(["load is 9", "found"])
    await page.get_by_role("combobox", name="When").select_option("Last hour")
    await expect(shown(page)).to_have_count(1)
    await page.get_by_role("button", name="Clear", exact=True).click()
    await page.get_by_role("combobox", name="Server").fill("beta")
    await page.keyboard.press("Enter")
    await expect(shown(page)).to_contain_text(["no answer", "found"])
    await page.get_by_role("combobox", name="Server").fill("nobody")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("No server is called nobody.")).to_be_visible()
    await page.get_by_role("button", name="Clear", exact=True).click()
    await page.get_by_role("searchbox", name="Sensor").fill("load")
    await expect(shown(page)).to_have_count(1)


async def test_what_people_did_is_found_with_who_did_it(visit: Visitor) -> None:
    fleet = talkative()
    incident = next(event["id"] for event in fleet.log if event["type"] == "warned")
    await fleet.desk.note(incident, "ada", "restarting it")
    fleet.tell("gone", "beta: no answer for 5 min", server="b", condition=Condition.GONE)
    opened = await visit(fleet, "#/events")
    page = opened.page
    await expect(shown(page)).to_have_count(5)
    gone = shown(page).filter(has_text="Gone")
    await gone.get_by_role("link", name="Incident").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("beta is gone")
    await page.go_back()
    await page.get_by_role("button", name="Note").click()
    await expect(shown(page)).to_have_count(1)
    await expect(shown(page)).to_contain_text("restarting it")
    await expect(shown(page)).to_contain_text("by ada")


async def test_all_kinds_at_once_are_all_events(visit: Visitor) -> None:
    opened = await visit(talkative(), "#/events")
    kinds = opened.page.get_by_role("group", name="Kinds").get_by_role("button")
    await expect(kinds).to_have_count(len(EventType))
    for kind in await kinds.all():
        await kind.click()
    await expect(kinds.and_(opened.page.locator("[aria-pressed=true]"))).to_have_count(
        len(EventType)
    )
    await expect(shown(opened.page)).to_have_count(3)
    await opened.assert_no_complaints()


async def test_new_ones_come_in_on_top(visit: Visitor) -> None:
    opened = await visit(talkative(), "#/events")
    await expect(shown(opened.page)).to_have_count(3)
    opened.fleet.tell("message", "hello", server="a")
    await expect(shown(opened.page)).to_have_count(4)
    await expect(shown(opened.page).first).to_contain_text("hello")


async def test_new_ones_that_are_not_wanted_stay_out(visit: Visitor) -> None:
    opened = await visit(talkative(), "#/events?type=warned")
    await expect(shown(opened.page)).to_have_count(1)
    opened.fleet.tell("message", "not wanted", server="a")
    opened.fleet.tell("warned", "wanted", server="a", sensor="load")
    await expect(shown(opened.page)).to_contain_text(["wanted", "load is 9"])


async def _position(opened: Visit, text: str) -> float:
    box = await opened.page.get_by_text(text, exact=True).bounding_box()
    assert box is not None
    return box["y"]


async def test_nothing_moves_while_someone_reads(visit: Visitor) -> None:
    opened = await visit(talkative(80), "#/events")
    line = "connected for the 40th time"
    await opened.page.get_by_text(line, exact=True).scroll_into_view_if_needed()
    await opened.page.mouse.move(1, 1)
    before = await _position(opened, line)
    for number in range(5):
        opened.fleet.tell("message", f"news {number}")
    news = opened.page.get_by_role("button", name="5 new events")
    await expect(news).to_be_visible()
    assert await _position(opened, line) == pytest.approx(before, abs=1)
    await news.click()
    await expect(shown(opened.page).first).to_contain_text("news 4")
    await expect(shown(opened.page).first).to_be_in_viewport()


async def test_what_was_missed_while_away_comes_in_like_news(visit: Visitor) -> None:
    opened = await visit(talkative(250), "#/events")
    line = "connected for the 210th time"
    await opened.page.get_by_text(line, exact=True).scroll_into_view_if_needed()
    await opened.page.mouse.move(1, 1)
    before = await _position(opened, line)
    _away(opened, 2)
    news = opened.page.get_by_role("button", name="2 new events")
    await expect(news).to_be_visible()
    assert await _position(opened, line) == pytest.approx(before, abs=1)
    await news.click()
    await expect(shown(opened.page)).to_contain_text(["missed 1", "missed 0", "no answer"])
    # More than there is room for in one answer: no gap is left between them.
    _away(opened, 120)
    await expect(shown(opened.page).first).to_contain_text("missed 119")
    await opened.page.keyboard.press("End")
    await expect(opened.page.get_by_text("missed 0", exact=True)).to_have_count(2)


def _away(opened: Visit, missed: int) -> None:
    """So many events come while the page has no connection, which it then has again."""
    fleet, hub = opened.fleet, opened.daemon.hub
    fleet.hub = None
    for number in range(missed):
        fleet.tell("message", f"missed {number}")
    fleet.hub = hub
    hub._seq += 5
    fleet.read("a", "load", value=float(missed))


async def test_older_ones_are_fetched_when_they_come_near(visit: Visitor) -> None:
    opened = await visit(talkative(250), "#/events")
    await expect(shown(opened.page).first).to_contain_text("no answer")
    while await shown(opened.page).count() < 253:
        before = await shown(opened.page).count()
        await opened.page.keyboard.press("End")
        await expect(shown(opened.page).nth(before)).to_be_attached()
    await expect(shown(opened.page).last).to_contain_text("for the 0th time")


async def test_an_events_hostile_message_stays_text(visit: Visitor) -> None:
    fleet = talkative()
    fleet.tell("message", "<img src=x onerror=alert(1)>", server="<b>", sensor="<i>")
    opened = await visit(fleet, "#/events")
    await expect(shown(opened.page).first).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(opened.page.locator("main img, main b, main i")).to_have_count(0)
    await opened.assert_no_complaints()
