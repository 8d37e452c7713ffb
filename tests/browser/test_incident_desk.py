"""Who has an incident, what they say of it, and incidents that are about no reading, as a person
sees and does it."""

import time

import httpx
import pytest
from playwright.async_api import Locator, Page, Route, expect

from outkept.model.event import Condition
from outkept.serve.auth import Role
from tests.browser.conftest import Visit, Visitor
from tests.serve.daemon import daemon
from tests.serve.fleet import Fleet, sensor, server

pytestmark = pytest.mark.asyncio(loop_scope="session")

WARNED = 1
FAILED, GONE, BLIND, FLAPPING = 2, 3, 4, 5


def troubled() -> Fleet:
    """One incident of each kind; the ids are those above."""
    disk = sensor("disk", 97.5, "%", instance="/var", status="warned", warning=85, alarm=95)
    load = sensor("load", 1.0, warning=8, alarm=16)
    fleet = Fleet([server("a", "alpha", sensors=[disk, load]), server("b", "beta")])
    at = time.time() - 300
    var = {"server": "a", "sensor": "disk[/var]", "value": 86.0}
    fleet.tell("warned", "alpha: disk[/var] is 86 % >= 85 (warned)", at=at, **var)
    failed = {"server": "a", "sensor": "load", "condition": Condition.FAILED}
    fleet.tell("failing", "alpha: load fails: exit status 127", at=at + 1, **failed)
    gone = {"server": "b", "condition": Condition.GONE}
    fleet.tell("gone", "beta: no answer for 5 min", at=at + 2, **gone)
    blind = "120 of 400 servers are gone at once"
    fleet.tell("blind", blind, at=at + 3, condition=Condition.BLIND)
    flaps = "alpha: load changes its level too often"
    fleet.tell("flapping", flaps, at=at + 4, server="a", sensor="load")
    return fleet


def desk(page: Page) -> Locator:
    return page.get_by_role("region", name="Who has it")


def steps(page: Page) -> Locator:
    return page.get_by_role("list", name="Timeline").get_by_role("listitem")


def listed(page: Page, name: str) -> Locator:
    return (
        page.get_by_role("list", name="Open incidents")
        .get_by_role("listitem")
        .filter(has=page.get_by_role("link", name=name))
    )


async def _open(visit: Visitor, id: int, **more: object) -> Visit:
    opened: Visit = await visit(troubled(), f"#/incidents/{id}", **more)
    await expect(opened.page.get_by_role("list", name="Timeline")).to_be_visible()
    return opened


async def test_it_is_taken_on_with_a_comment_and_given_back(visit: Visitor) -> None:
    opened = await _open(visit, WARNED)
    page = opened.page
    await expect(desk(page)).to_contain_text("Nobody has taken this on.")
    await page.get_by_label("Comment or note").fill("looking at it")
    await page.get_by_role("button", name="Acknowledge").click()
    await expect(desk(page)).to_contain_text("Acknowledged by a link")
    await expect(page.get_by_label("Note", exact=True)).to_have_value("")
    await expect(steps(page).last).to_contain_text("Acknowledged")
    await expect(steps(page).last).to_contain_text("by a link")
    await expect(steps(page).last).to_contain_text("looking at it")
    await page.get_by_role("button", name="Withdraw").click()
    await expect(desk(page)).to_contain_text("Nobody has taken this on.")
    await expect(steps(page).last).to_contain_text("Given back")
    await opened.assert_no_complaints()


async def test_the_keyboard_alone_takes_it_on(visit: Visitor) -> None:
    opened = await _open(visit, WARNED)
    page = opened.page
    await page.get_by_label("Comment or note").focus()
    await page.keyboard.type("mine")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Acknowledge")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(desk(page)).to_contain_text("Acknowledged by a link")


async def test_notes_stand_in_the_timeline_with_their_author(visit: Visitor) -> None:
    opened = await _open(visit, WARNED)
    page = opened.page
    add = page.get_by_role("button", name="Add note")
    await expect(add).to_be_disabled()
    await page.get_by_label("Comment or note").fill("<b>first</b>\nsecond line")
    await add.click()
    note = steps(page).last
    await expect(note).to_contain_text("Note")
    await expect(note).to_contain_text("by a link")
    assert await note.locator(".step-text").inner_text() == "<b>first</b>\nsecond line"
    await expect(desk(page)).to_contain_text("Nobody has taken this on.")


async def test_what_a_refusal_says_is_shown_and_nothing_typed_is_lost(visit: Visitor) -> None:
    opened = await _open(visit, WARNED)
    page = opened.page

    async def refuse(route: Route) -> None:
        await route.fulfill(status=409, json={"detail": "incident 1 is over; write a note"})

    await page.route("**/acknowledge", refuse)
    await page.get_by_label("Comment or note").fill("typed in the night")
    await page.get_by_role("button", name="Acknowledge").click()
    await expect(desk(page)).to_contain_text("incident 1 is over; write a note")
    await expect(page.get_by_label("Comment or note")).to_have_value("typed in the night")
    await expect(page.get_by_role("button", name="Acknowledge")).to_be_enabled()


async def test_what_is_typed_outlasts_a_daemon_that_is_away(visit: Visitor) -> None:
    page: Page = (await visit(troubled())).page
    async with daemon(troubled()) as first:
        port = httpx.URL(first.url).port or 0
        await page.goto(f"{first.url}#/incidents/{WARNED}")
        await page.get_by_label("Comment or note").fill("half a sen")
    await expect(page.get_by_text("The daemon does not answer.")).to_be_visible()
    await page.get_by_role("button", name="Add note").click()
    await expect(desk(page)).to_contain_text("the daemon does not answer")
    async with daemon(troubled(), port=port):
        await expect(page.get_by_text("The daemon does not answer.")).to_be_hidden()
        await expect(page.get_by_label("Comment or note")).to_have_value("half a sen")
        await page.get_by_role("button", name="Add note").click()
        await expect(steps(page).last).to_contain_text("half a sen")


async def test_who_may_only_look_sees_who_has_it_but_no_button(visit: Visitor) -> None:
    opened = await _open(visit, WARNED, role=Role.VIEWER)
    page = opened.page
    await expect(desk(page)).to_contain_text("Nobody has taken this on.")
    await opened.fleet.desk.acknowledge(WARNED, "ada", "")
    await expect(desk(page)).to_contain_text("Acknowledged by ada")
    await expect(desk(page).get_by_role("button")).to_have_count(0)
    await expect(page.get_by_role("link", name="Silence this")).to_have_count(0)


async def test_what_is_over_takes_notes_and_nothing_else(visit: Visitor) -> None:
    opened = await _open(visit, WARNED)
    page = opened.page
    var = {"server": "a", "sensor": "disk[/var]", "value": 50.0}
    opened.fleet.tell("recovered", "alpha: disk[/var] is back to normal", **var)
    await expect(desk(page)).to_contain_text("Nobody had taken this on when it ended.")
    await expect(page.get_by_role("button", name="Acknowledge")).to_be_hidden()
    await expect(page.get_by_role("link", name="Silence this")).to_be_hidden()
    await page.get_by_label("Note", exact=True).fill("the log rotation was off")
    await page.get_by_role("button", name="Add note").click()
    await expect(steps(page).last).to_contain_text("the log rotation was off")


async def test_another_pages_acknowledgement_is_seen_at_once(visit: Visitor) -> None:
    opened = await _open(visit, GONE)
    await opened.fleet.desk.acknowledge(GONE, "ada", "power cut")
    await expect(desk(opened.page)).to_contain_text("Acknowledged by ada")


@pytest.mark.parametrize(
    ("id", "heading", "mark", "step"),
    [
        (FAILED, "load on alpha", "Sensor fails", "Failing"),
        (GONE, "beta is gone", "Server gone", "Gone"),
        (BLIND, "We may be blind", "Many at once", "Maybe blind"),
    ],
)
async def test_what_is_about_no_reading_says_so_and_draws_none(
    visit: Visitor, id: int, heading: str, mark: str, step: str
) -> None:
    opened = await _open(visit, id)
    page = opened.page
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    await expect(page.get_by_role("main").get_by_text(mark, exact=True)).to_be_visible()
    await expect(steps(page).first).to_contain_text(step)
    await expect(page.get_by_role("region", name="Readings")).to_be_hidden()
    await opened.assert_no_complaints()


async def test_the_list_says_condition_flapping_and_who_has_it(visit: Visitor) -> None:
    fleet = troubled()
    await fleet.desk.acknowledge(GONE, "ada", "")
    opened = await visit(fleet, "#/incidents")
    page = opened.page
    await expect(listed(page, "beta").first).to_contain_text("beta is gone")
    await expect(listed(page, "beta").first).to_contain_text("With ada")
    await expect(listed(page, "We may be blind")).to_contain_text("Many at once")
    loads = listed(page, "load")
    await expect(loads.filter(has_text="Flapping")).to_have_count(1)
    await expect(loads.filter(has_text="Sensor fails")).to_have_count(1)
    await page.get_by_role("button", name="Nobody has it").click()
    await expect(listed(page, "beta")).to_have_count(0)
    rows = page.get_by_role("list", name="Open incidents").get_by_role("listitem")
    await expect(rows).to_have_count(4)
    await fleet.desk.withdraw(GONE, "ada")
    await expect(rows).to_have_count(5)
    await page.reload()
    await expect(rows).to_have_count(5)


async def test_silencing_this_begins_with_this_server_and_sensor(visit: Visitor) -> None:
    opened = await _open(visit, WARNED)
    page = opened.page
    await page.get_by_role("link", name="Silence this").click()
    form = page.get_by_role("form", name="New silence")
    await expect(form.get_by_label("Server")).to_have_value("alpha")
    await expect(form.get_by_label("Sensor")).to_have_value("disk[/var]")
    await expect(form.get_by_role("status")).to_contain_text("1 server, 1 series: alpha")
    await expect(form.get_by_label("Reason")).to_be_focused()
    await page.keyboard.type("new disk comes tomorrow")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Silenced: disk[/var] on alpha.")).to_be_visible()
    await page.go_back()
    await expect(desk(page)).to_contain_text("Silenced until")
    await expect(desk(page)).to_contain_text("new disk comes tomorrow")


async def test_the_console_lists_and_takes_on(visit: Visitor) -> None:
    opened = await visit(troubled())
    page = opened.page
    await expect(page.locator("html")).to_have_attribute("data-connection", "live")
    await page.keyboard.press("`")
    log = page.get_by_role("log")
    await page.get_by_label("Command").fill("incidents")
    await page.keyboard.press("Enter")
    await expect(log).to_contain_text("We may be blind")
    await page.keyboard.type(f"ack {GONE} cable is out")
    await page.keyboard.press("Enter")
    await expect(log).to_contain_text(f"You have taken on {GONE}: beta is gone.")
    await page.keyboard.type("ack beta")
    await page.keyboard.press("Enter")
    await expect(log).to_contain_text("ack takes the number of an incident")
    await page.keyboard.type(f"note {BLIND} switch rebooted")
    await page.keyboard.press("Enter")
    await expect(log).to_contain_text(f"Noted with {BLIND}")
    await page.keyboard.type("silences")
    await page.keyboard.press("Enter")
    await expect(log).to_contain_text("Nothing is silenced.")
    said = [event["message"] for event in opened.fleet.log[-2:]]
    assert said == ["cable is out", "switch rebooted"]
