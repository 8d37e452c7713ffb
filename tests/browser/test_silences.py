"""Silences: seen, made, ended and made again, as a person does it."""

import re
import time

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from outkept.model.silence import Silence, Weekly
from outkept.serve.auth import Role
from tests.browser.conftest import Visit, Visitor
from tests.serve.daemon import daemon
from tests.serve.fleet import Fleet, sensor, server

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOUR = 3600.0


def fleet() -> Fleet:
    series = [sensor("load", 0.5), sensor("disk", 20.0, "%", instance="/var")]
    return Fleet(
        server(f"id{name}", name, sensors=series, labels={"site": site})
        for name, site in (("web1", "lisbon"), ("web2", "lisbon"), ("db1", "porto"))
    )


def silence(**changes: object) -> Silence:
    now = time.time()
    usual = {"starts": now - 60, "ends": now + HOUR, "reason": "new kernel", "author": "ada"}
    return Silence(**(usual | changes))  # type: ignore[arg-type]


def form(page: Page) -> Locator:
    return page.get_by_role("form", name="New silence")


def listed(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name=f"{name} silences").get_by_role("listitem")


async def _begin(visit: Visitor, **more: object) -> Visit:
    opened: Visit = await visit(fleet(), "#/silences", **more)
    await opened.page.get_by_role("button", name="New silence").click()
    return opened


async def test_one_is_made_after_seeing_what_it_matches(visit: Visitor) -> None:
    opened = await _begin(visit)
    page = opened.page
    await expect(page.get_by_text("Nothing is silenced.")).to_be_visible()
    await expect(form(page).get_by_label("Server")).to_be_focused()
    await page.keyboard.type("web*")
    shown = form(page).get_by_role("status")
    await expect(shown).to_have_text("It matches 2 servers, 4 series: web1, web2")
    await form(page).get_by_label("Sensor").fill("disk")
    await expect(shown).to_have_text("It matches 2 servers, 2 series: web1, web2")
    await form(page).get_by_label("Labels").fill("site=porto")
    await expect(shown).to_have_text("It matches nothing that is there now.")
    await form(page).get_by_label("Labels").fill("site=lis*")
    await form(page).get_by_role("button", name="4 hours").click()
    await form(page).get_by_label("Reason").fill("OPS-1")
    await form(page).get_by_role("button", name="Silence", exact=True).click()
    await expect(form(page)).to_be_hidden()
    row = listed(page, "Active")
    await expect(row).to_contain_text("disk on web*, site=lis*")
    await expect(row).to_contain_text("OPS-1")
    await expect(row).to_contain_text("by a link")
    await expect(row).to_contain_text(re.compile("3 h 59 min left|4 h left"))
    await expect(row.locator("time").first).to_have_attribute("title", re.compile("20[0-9]{2}"))
    await expect(row).to_contain_text("Silent")
    await row.get_by_text("What it matches").click()
    await expect(row.get_by_role("link", name="web2")).to_be_visible()
    await opened.assert_no_complaints()


async def test_a_reason_is_needed_and_nothing_typed_is_lost(visit: Visitor) -> None:
    opened = await _begin(visit)
    page = opened.page
    await form(page).get_by_label("Server").fill("db1")
    await page.keyboard.press("Enter")
    await expect(form(page).get_by_role("alert")).to_have_text("Say why: others will read it.")
    await expect(form(page).get_by_label("Reason")).to_be_focused()
    await expect(form(page).get_by_label("Server")).to_have_value("db1")


async def test_what_the_daemon_refuses_is_said_in_the_form(visit: Visitor) -> None:
    opened = await _begin(visit)
    page = opened.page
    opened.fleet.own_desk.most = 0
    await form(page).get_by_label("Server").fill("db1")
    await form(page).get_by_label("Reason").fill("because")
    await page.keyboard.press("Enter")
    await expect(form(page).get_by_role("alert")).to_contain_text("silences already")
    await expect(form(page).get_by_label("Reason")).to_have_value("because")
    opened.fleet.own_desk.most = 9
    await form(page).get_by_role("button", name="Silence", exact=True).click()
    await expect(listed(page, "Active")).to_contain_text("Everything on db1")


async def test_labels_that_are_none_are_said_before_anything_is_asked(visit: Visitor) -> None:
    opened = await _begin(visit)
    await form(opened.page).get_by_label("Labels").fill("lisbon")
    shown = form(opened.page).get_by_role("status")
    await expect(shown).to_contain_text("lisbon isn't one")


async def test_silencing_everything_has_to_be_meant(visit: Visitor) -> None:
    opened = await _begin(visit)
    page = opened.page
    await expect(form(page).get_by_role("status")).to_contain_text("3 servers, 6 series")
    await form(page).get_by_label("Reason").fill("moving the data centre")
    await page.keyboard.press("Enter")
    await expect(form(page).get_by_role("alert")).to_contain_text("leaves nothing out")
    sure = form(page).get_by_label("Yes, silence everything")
    await expect(sure).to_be_focused()
    await page.keyboard.press("Space")
    await form(page).get_by_role("button", name="Silence", exact=True).click()
    await expect(listed(page, "Active")).to_contain_text("Everything on all servers")


async def test_a_weekly_window_is_made_by_the_clock_of_a_zone(visit: Visitor) -> None:
    opened = await _begin(visit)
    page = opened.page
    await form(page).get_by_label("Server").fill("db*")
    await form(page).get_by_label("Reason").fill("backups")
    await form(page).get_by_label("Only in a window").check()
    await form(page).get_by_role("button", name="Silence", exact=True).click()
    await expect(form(page).get_by_role("alert")).to_have_text("Choose the days of the window.")
    for day in ("Sat", "Sun"):
        await form(page).get_by_role("button", name=day, exact=True).click()
    await form(page).get_by_label("Time zone").fill("Europe/Lisbn")
    await form(page).get_by_role("button", name="Silence", exact=True).click()
    await expect(form(page).get_by_role("alert")).to_contain_text("not a known time zone")
    await form(page).get_by_label("Time zone").fill("Europe/Lisbon")
    await form(page).get_by_role("button", name="Silence", exact=True).click()
    row = listed(page, "Active")
    await expect(row).to_contain_text("Sat, Sun 22:00–02:00 Europe/Lisbon")
    await expect(row).to_contain_text("until it is ended")
    (made,) = opened.fleet.own_desk._silences.values()
    assert made.weekly == Weekly(frozenset({5, 6}), 22 * 60, 240, "Europe/Lisbon")


async def test_a_time_to_begin_and_one_to_end_are_those_of_the_viewers_zone(
    visit: Visitor,
) -> None:
    opened = await _begin(visit, timezone_id="Asia/Kolkata")
    page = opened.page
    await form(page).get_by_label("Server").fill("db*")
    await form(page).get_by_label("Reason").fill("later")
    await form(page).get_by_role("button", name="At…").click()
    await form(page).get_by_label("Starts at").fill("2031-05-01T08:30")
    await form(page).get_by_role("button", name="Until…").click()
    await form(page).get_by_label("Ends at").fill("2031-05-01T09:30")
    await form(page).get_by_role("button", name="Silence", exact=True).click()
    await expect(listed(page, "Not begun")).to_contain_text("from 1 May, 08:30")
    (made,) = opened.fleet.own_desk._silences.values()
    assert (made.starts, made.ends) == (1935370800.0, 1935374400.0)


async def test_until_tomorrow_morning_is_the_next_eight_oclock(visit: Visitor) -> None:
    opened = await _begin(visit, timezone_id="America/Lima")
    page = opened.page
    await form(page).get_by_label("Server").fill("db*")
    await form(page).get_by_label("Reason").fill("sleep")
    await (
        form(page)
        .get_by_role("button", name="morning 8:00")
        .or_(form(page).get_by_role("button", name="tomorrow 8:00"))
        .click()
    )
    await form(page).get_by_role("button", name="Silence", exact=True).click()
    await expect(listed(page, "Active")).to_have_count(1)
    (made,) = opened.fleet.own_desk._silences.values()
    assert made.ends % 86400 == 13 * HOUR
    assert 0 < made.ends - time.time() <= 86400


async def test_one_is_ended_early_and_made_again(visit: Visitor) -> None:
    opened = await visit(fleet())
    await opened.fleet.desk.add_silence(
        silence(server="web*", sensor="disk", labels={"site": "lisbon"})
    )
    page = opened.page
    await page.keyboard.press("g")
    await page.keyboard.press("q")
    await listed(page, "Active").get_by_role("button", name="End now").click()
    await expect(page.get_by_text("Ended: disk on web*, site=lisbon.")).to_be_visible()
    over = listed(page, "Over")
    await expect(over).to_contain_text("ended by a link")
    await over.get_by_role("link", name="Again").click()
    await expect(form(page).get_by_label("Server")).to_have_value("web*")
    await expect(form(page).get_by_label("Sensor")).to_have_value("disk")
    await expect(form(page).get_by_label("Labels")).to_have_value("site=lisbon")
    await expect(form(page).get_by_label("Reason")).to_have_value("new kernel")
    await form(page).get_by_role("button", name="Cancel").click()
    await expect(form(page)).to_be_hidden()
    await page.reload()
    await expect(over).to_be_visible()
    await expect(form(page)).to_be_hidden()


async def test_others_silences_come_and_go_by_themselves(visit: Visitor) -> None:
    opened = await visit(fleet(), "#/silences")
    await expect(opened.page.get_by_text("Nothing is silenced.")).to_be_visible()
    made = await opened.fleet.desk.add_silence(silence(server="web1"))
    await expect(listed(opened.page, "Active")).to_contain_text("Everything on web1")
    await opened.fleet.desk.end_silence(made["id"], "bob")
    await expect(listed(opened.page, "Over")).to_contain_text("ended by bob")
    await expect(listed(opened.page, "Active")).to_have_count(0)


async def test_who_may_only_look_has_no_button(visit: Visitor) -> None:
    opened = await visit(fleet(), "#/silences?new=yes&server=web1", role=Role.VIEWER)
    await opened.fleet.desk.add_silence(silence(server="web1"))
    page = opened.page
    await expect(listed(page, "Active")).to_contain_text("Everything on web1")
    await expect(page.get_by_text("You may look at silences")).to_be_visible()
    await expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    await expect(form(page)).to_be_hidden()


async def test_a_form_outlasts_a_daemon_that_is_away(visit: Visitor) -> None:
    page: Page = (await visit(fleet())).page
    async with daemon(fleet()) as first:
        port = httpx.URL(first.url).port or 0
        await page.goto(f"{first.url}#/silences")
        await page.get_by_role("button", name="New silence").click()
        await form(page).get_by_label("Reason").fill("typed before")
    await expect(page.get_by_text("The daemon does not answer.")).to_be_visible()
    await form(page).get_by_label("Server").fill("web*")
    async with daemon(fleet(), port=port):
        shown = form(page).get_by_role("status")
        await expect(shown).to_have_text("It matches 2 servers, 4 series: web1, web2")
        await form(page).get_by_role("button", name="Silence", exact=True).click()
        await expect(listed(page, "Active")).to_contain_text("typed before")


async def test_a_servers_page_says_that_it_is_silenced(visit: Visitor) -> None:
    opened = await visit(fleet(), "#/server/idweb1")
    page = opened.page
    banner = page.locator(".server-silence")
    await expect(page.get_by_role("link", name="Silence…")).to_be_visible()
    await expect(banner).to_be_hidden()
    part = await opened.fleet.desk.add_silence(silence(server="web*", sensor="disk"))
    await expect(banner).to_contain_text("Silenced here: disk[/var], until")
    await expect(banner).to_contain_text("new kernel")
    card = page.locator(".sensor").filter(has=page.get_by_text("/var", exact=True))
    await expect(card.get_by_text("Silenced")).to_be_visible()
    await opened.fleet.desk.add_silence(silence(server="web1", reason="rebuilt"))
    await expect(banner).to_contain_text("Silenced until")
    await expect(banner).to_contain_text("rebuilt")
    await opened.fleet.desk.end_silence(part["id"], "ada")
    await page.get_by_role("link", name="Silence…").click()
    await expect(form(page).get_by_label("Server")).to_have_value("web1")
