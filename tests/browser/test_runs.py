"""Having commands run from the page: chosen, previewed, confirmed, followed, stopped."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from outkept.app.runs import RunState
from outkept.serve.auth import Role
from tests.browser.conftest import Visit, Visitor
from tests.serve.fleet import Fleet, sensor, server

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMMAND = "journalctl --vacuum-size=200M"
ENTRANCE = "#/run?q=site%3Dlisbon&sensor=disk&instance=%2Fvar"


def three() -> Fleet:
    """Two servers in Lisbon, one of which is away, and one in Porto."""
    fleet = Fleet(
        [
            server("a", "alpha", labels={"site": "lisbon"}, sensors=_sensors()),
            server("b", "beta", labels={"site": "lisbon"}, sensors=_sensors(), connected=False),
            server("c", "gamma", labels={"site": "porto"}, sensors=_sensors()),
        ]
    )
    fleet.defined["disk"] = {"reactive": COMMAND, "fallback": "rm -r /var/cache/apt"}
    return fleet


def _sensors() -> list[dict[str, Any]]:
    full = sensor("disk", 97.0, "%", instance="/var", status="alarmed", reactive=COMMAND)
    return [full, sensor("load", 1.5)]


def preview(page: Page) -> Locator:
    return page.get_by_role("region", name="Preview", exact=True)


async def begun(visit: Visitor, fleet: Fleet, path: str = ENTRANCE, **more: Any) -> Visit:
    """A run that was previewed and confirmed."""
    opened: Visit = await visit(fleet, path, **more)
    page = opened.page
    await page.get_by_label("Reason").fill("the disk is full")
    await page.get_by_role("button", name="Preview").click()
    await page.get_by_role("button", name="Run on").click()
    await expect(page.get_by_role("heading", name="Reaction of disk", level=1)).to_be_visible()
    return opened


def row(page: Page, name: str) -> Locator:
    return page.locator(".run-server").filter(has_text=name)


async def test_a_run_begins_only_after_its_preview_was_seen(visit: Visitor) -> None:
    opened = await visit(three(), ENTRANCE)
    page, fleet = opened.page, opened.fleet
    await expect(page.get_by_text("2 servers: alpha, beta")).to_be_visible()
    await expect(page.get_by_label("What runs")).to_have_text(COMMAND)
    await expect(preview(page)).to_be_hidden()
    await page.get_by_label("Reason").fill("the disk is full")
    await page.keyboard.press("Enter")
    await expect(preview(page)).to_contain_text("It would run on 1 server; 1 server is held.")
    held = preview(page).get_by_role("list", name="Held")
    await expect(held).to_contain_text("betathere is no connection to it")
    would = preview(page).get_by_role("list", name="Would run")
    await expect(would.get_by_role("link", name="alpha")).to_be_visible()
    assert fleet.control.runs() == []
    await page.get_by_role("button", name="Run on 1 server now").click()
    await expect(page.get_by_text("the disk is full").first).to_be_visible()
    (run,) = fleet.control.runs()
    assert (run["sensor"], run["instance"], run["reason"]) == ("disk", "/var", "the disk is full")
    await opened.assert_no_complaints()


async def test_what_is_changed_after_the_preview_must_be_seen_again(visit: Visitor) -> None:
    opened = await visit(three(), ENTRANCE)
    page = opened.page
    await page.get_by_role("button", name="Preview").click()
    await expect(preview(page)).to_be_visible()
    await page.get_by_role("button", name="Fallback").click()
    await expect(preview(page)).to_be_hidden()
    await expect(page.get_by_label("What runs")).to_have_text("rm -r /var/cache/apt")


async def test_what_changed_in_between_runs_nothing_and_is_shown(visit: Visitor) -> None:
    opened = await visit(three(), "#/run?q=*&sensor=disk&instance=%2Fvar")
    page, fleet = opened.page, opened.fleet
    await page.get_by_label("Reason").fill("the disk is full")
    await page.get_by_role("button", name="Preview").click()
    await expect(preview(page)).to_contain_text("It would run on 2 servers")
    fleet.change("c", connected=False)
    await page.get_by_role("button", name="Run on 2 servers now").click()
    await expect(page.get_by_text("Nothing was run: what would run is not")).to_be_visible()
    await expect(preview(page)).to_contain_text("It would run on 1 server; 2 servers are held.")
    await expect(page.get_by_label("Reason")).to_have_value("the disk is full")
    assert fleet.control.runs() == []


async def test_what_a_guard_holds_may_be_overridden_where_the_preview_says_so(
    visit: Visitor,
) -> None:
    fleet = three()
    fleet.control.holds["a"] = ("cooldown", "it ran 20 s ago; its cooldown lasts another 280 s")
    opened = await visit(fleet, ENTRANCE)
    page = opened.page
    await page.get_by_label("Reason").fill("the disk is full")
    await page.get_by_role("button", name="Preview").click()
    await expect(preview(page)).to_contain_text("It would run nowhere.")
    await expect(page.get_by_role("button", name="Nothing to run")).to_be_disabled()
    await expect(preview(page)).to_contain_text("its cooldown lasts another 280 s")
    choice = page.get_by_label("Run all the same, although it ran a short while ago (1 held)")
    await choice.check()
    await expect(preview(page)).to_contain_text("It would run on 1 server; 1 server is held.")
    await expect(page.get_by_label("Run all the same, although it ran")).to_be_checked()
    await page.get_by_role("button", name="Run on 1 server now").click()
    await expect(page.get_by_text("although it ran a short while ago")).to_be_visible()
    assert fleet.control.runs()[0]["override"] == ["cooldown"]


async def test_a_run_without_a_reason_asks_for_one(visit: Visitor) -> None:
    opened = await visit(three(), ENTRANCE)
    page = opened.page
    await page.get_by_role("button", name="Preview").click()
    await page.get_by_role("button", name="Run on 1 server now").click()
    await expect(page.get_by_text("Say why: it is kept with what is run.")).to_be_visible()
    await expect(page.get_by_label("Reason")).to_be_focused()
    assert opened.fleet.control.runs() == []


async def test_what_the_daemon_refuses_is_said_and_nothing_typed_is_lost(visit: Visitor) -> None:
    opened = await visit(three(), ENTRANCE)
    page = opened.page

    async def refused(route: Any) -> None:
        problem = {"status": 403, "detail": "you may look, but not act"}
        await route.fulfill(status=403, json=problem, content_type="application/problem+json")

    await page.get_by_label("Reason").fill("the disk is full")
    await page.route("**/api/v1/runs", refused)
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_text("No preview: you may look, but not act")).to_be_visible()
    await expect(page.get_by_label("Reason")).to_have_value("the disk is full")
    await expect(page.get_by_role("searchbox", name="Servers")).to_have_value("site=lisbon")


async def test_output_comes_as_it_is_printed_and_the_outcome_in_words(visit: Visitor) -> None:
    opened = await begun(visit, three())
    page, control = opened.page, opened.fleet.control
    await expect(row(page, "alpha")).to_contain_text("Running")
    await expect(row(page, "beta")).to_contain_text("Held")
    await expect(row(page, "beta")).to_contain_text("there is no connection to it")
    control.hear("a", "first <b>line</b>\n")
    output = page.get_by_label("Output of alpha")
    await expect(output).to_have_text("first <b>line</b>\n")
    control.hear("a", "second \x1b[31mline\n")
    await expect(output).to_contain_text("second \ufffd[31mline")
    control.end("a", 3)
    await expect(row(page, "alpha")).to_contain_text("Failed, exit status 3")
    await expect(page.get_by_text("2 servers: 1 failed or unknown, 1 not run")).to_be_visible()
    await expect(page.locator(".run-state")).to_contain_text("Ended after")
    await opened.assert_no_complaints()


async def test_who_leaves_and_comes_back_finds_the_run(visit: Visitor) -> None:
    opened = await begun(visit, three())
    page, control = opened.page, opened.fleet.control
    control.hear("a", "before\n")
    await expect(page.get_by_label("Output of alpha")).to_have_text("before\n")
    await page.evaluate("location.hash = '#/'")
    await expect(page.get_by_role("heading", name="Overview")).to_be_attached()
    control.hear("a", "meanwhile\n")
    await page.go_back()
    await expect(page.get_by_label("Output of alpha")).to_have_text("before\nmeanwhile\n")
    control.end("a")
    await expect(row(page, "alpha")).to_contain_text("Done")
    await page.reload()
    await expect(page.get_by_label("Output of alpha")).to_have_text("before\nmeanwhile\n")


async def test_endless_output_leaves_only_its_end_on_the_page(visit: Visitor) -> None:
    opened = await begun(visit, three())
    page, control = opened.page, opened.fleet.control
    control.hear("a", "".join(f"line {number}\n" for number in range(3000)))
    output = page.get_by_label("Output of alpha")
    await expect(output).to_contain_text("line 2999")
    text = await output.text_content() or ""
    assert text.splitlines() == [f"line {number}" for number in range(2800, 3000)]
    await expect(row(page, "alpha")).to_contain_text("Only the end is shown")
    control.hear("a", "x" * 100_000)
    control.end("a")
    await expect(row(page, "alpha")).to_contain_text("characters more were not kept")
    assert len(await output.text_content() or "") <= 20_001


async def test_what_has_not_begun_is_stopped(visit: Visitor) -> None:
    opened = await begun(visit, three(), "#/run?q=*&sensor=disk")
    page, control = opened.page, opened.fleet.control
    run = control.newest()
    run.parts["c"].state = RunState.WAITING
    await page.reload()
    await page.get_by_role("button", name="Stop what hasn't begun").click()
    await expect(page.get_by_text("stopped what had not begun")).to_be_visible()
    assert run.stopped_by == "a link"


async def test_servers_of_a_run_are_narrowed_down_by_how_they_ended(visit: Visitor) -> None:
    opened = await begun(visit, three())
    page = opened.page
    await expect(page.locator(".run-server:visible")).to_have_count(2)
    await page.get_by_role("button", name="Not run").click()
    await expect(page.locator(".run-server:visible")).to_have_text([re.compile("beta")])
    await page.get_by_role("button", name="Failed or unknown").click()
    await expect(page.get_by_text("No server is in this state.")).to_be_visible()


async def test_a_server_and_the_fleet_lead_to_a_run(visit: Visitor) -> None:
    opened = await visit(three(), "#/server/a")
    page = opened.page
    card = page.locator(".sensor", has=page.get_by_role("heading", name="disk"))
    await card.get_by_role("link", name="Run its reaction…").click()
    await expect(page.get_by_label("Sensor", exact=True)).to_have_value("disk")
    await expect(page.get_by_label("Instance")).to_have_value("/var")
    await expect(page.locator(".run-one")).to_contain_text("alpha")
    await page.get_by_role("button", name="Other servers…").click()
    await expect(page.get_by_role("searchbox", name="Servers")).to_be_focused()
    await page.evaluate("location.hash = '#/fleet?q=site%3Dlisbon&level=normal'")
    await page.get_by_role("link", name="Run on these…").click()
    await expect(page.get_by_role("searchbox", name="Servers")).to_have_value(
        "site=lisbon level:normal"
    )


async def test_who_may_only_look_is_offered_no_run(visit: Visitor) -> None:
    opened = await visit(three(), "#/fleet", role=Role.VIEWER)
    page = opened.page
    for path in ("#/fleet", "#/server/a", "#/reactions"):
        await page.evaluate("(path) => { location.hash = path; }", path)
        await expect(page.locator(".page h1")).to_be_visible()
        await expect(page.get_by_role("link", name="Run")).to_have_count(0)


async def test_a_run_that_is_not_kept_is_said_so(visit: Visitor) -> None:
    opened = await visit(three(), "#/run/nothing")
    await expect(opened.page.get_by_role("alert")).to_contain_text("no longer kept")
