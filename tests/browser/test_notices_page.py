"""Who is told, and what became of each notice, as a person sees it."""

import time
from dataclasses import replace

import pytest
from playwright.async_api import Locator, Page, expect

from outkept.model.notice import DeliveryState
from outkept.serve.auth import Role
from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet

pytestmark = pytest.mark.asyncio(loop_scope="session")


def region(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def target(page: Page, name: str) -> Locator:
    return page.locator(".target").filter(has=page.get_by_role("heading", name=name))


def notices(page: Page) -> Locator:
    return page.locator(".notice")


async def test_targets_say_whether_they_are_reached(visit: Visitor) -> None:
    opened = await visit(Fleet(), "#/notices")
    page, made = opened.page, opened.fleet.notices
    await expect(page.get_by_text("3 targets, 1 failing")).to_be_visible()
    boss = target(page, "boss")
    await expect(boss).to_contain_text("Failing")
    await expect(boss).to_contain_text("since 10 min ago · 1 waiting, the first 10 min ago")
    await expect(boss).to_contain_text("it was refused")
    await expect(target(page, "ops")).to_contain_text("Ok")
    made.states[0] = replace(made.states[0], failing_since=None, error="", queued=0, oldest=None)
    await expect(boss).to_contain_text("Ok")
    await expect(boss).not_to_contain_text("it was refused")
    await opened.assert_no_complaints()


async def test_a_test_is_sent_and_what_came_of_it_is_said(visit: Visitor) -> None:
    opened = await visit(Fleet(), "#/notices")
    page = opened.page
    await page.get_by_role("button", name="Send a test to ops").click()
    await expect(target(page, "ops")).to_contain_text("The test was sent.")
    await page.get_by_role("button", name="Send a test to boss").click()
    await expect(target(page, "boss")).to_contain_text("The test was not sent: it was refused")


async def test_notices_say_what_became_of_them(visit: Visitor) -> None:
    fleet = Fleet()
    fleet.notices.kept[0] = replace(
        fleet.notices.kept[0], state=DeliveryState.GIVEN_UP, next_at=0.0, attempts=12
    )
    opened = await visit(fleet, "#/notices")
    page = opened.page
    await expect(notices(page)).to_have_count(9)
    newest, oldest = notices(page).first, notices(page).last
    await expect(newest).to_contain_text("Sent")
    await expect(newest).to_contain_text("ALARM web1: disk[/var] is 97 % >= 95 (site=lisbon)")
    await expect(newest).to_contain_text("to ops")
    incident = newest.get_by_role("link", name="Incident 9")
    await expect(incident).to_have_attribute("href", "#/incidents/9")
    await newest.get_by_text("Text", exact=True).click()
    await expect(newest.get_by_text("Since 2026-11-28 14:03 UTC")).to_be_visible()
    await expect(oldest).to_contain_text("Given up")
    await expect(oldest).to_contain_text("to boss · 12 attempts")
    await expect(oldest).to_contain_text("it was refused")
    waiting = notices(page).filter(has_text="Waiting").first
    await expect(waiting).to_contain_text("1 attempt · next ")
    sent = replace(fleet.notices.kept[3], state=DeliveryState.SENT, finished_at=time.time())
    fleet.notices.kept[3] = sent
    await expect(notices(page).filter(has_text="Waiting")).to_have_count(1)
    await expect(newest.get_by_text("Since 2026-11-28 14:03 UTC")).to_be_visible()
    await opened.assert_no_complaints()


async def test_they_are_narrowed_down_and_the_address_says_how(visit: Visitor) -> None:
    opened = await visit(Fleet(), "#/notices")
    page = opened.page
    await expect(notices(page)).to_have_count(9)
    await page.get_by_label("Target", exact=True).select_option("ops")
    await expect(notices(page)).to_have_count(3)
    await page.get_by_label("State", exact=True).select_option("waiting")
    await expect(page.get_by_text("No notice is like that.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("No notice is like that.")).to_be_visible()
    await expect(page.get_by_label("Target", exact=True)).to_have_value("ops")
    await page.go_back()
    await expect(notices(page)).to_have_count(3)


async def test_where_nobody_is_told_it_says_how_to_change_that(visit: Visitor) -> None:
    fleet = Fleet()
    fleet.notices.states, fleet.notices.kept = [], []
    opened = await visit(fleet, "#/notices")
    await expect(opened.page.get_by_text("no target is configured under `notify`")).to_be_visible()
    await expect(opened.page.get_by_text("Nobody was told of anything yet.")).to_be_visible()


async def test_who_may_only_look_sends_no_test(visit: Visitor) -> None:
    opened = await visit(Fleet(), "#/notices", role=Role.VIEWER)
    page = opened.page
    await expect(target(page, "ops")).to_contain_text("Ok")
    await expect(page.get_by_role("button", name="Send a test")).to_have_count(0)
