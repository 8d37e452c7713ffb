"""Reactions across the fleet: the kill switch on every page, latches, bounds, what ran."""

import time
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from outkept.serve.auth import Role
from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet, server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def reacting() -> Fleet:
    """A fleet on which a reaction ran, one is latched, one runs and one waits."""
    fleet = Fleet([server("0000b1c2d3e4", "alpha"), server("b", "beta")])
    about = {"server": "b", "hostname": "beta", "sensor": "disk", "instance": "/var"}
    fleet.reactions.running = [about | {"step": 2, "since": time.time() - 4, "by": "ada"}]
    fleet.reactions.held = [about | {"sensor": "load", "instance": None, "guard": "silenced"}]
    match = {"hostname": "db*", "labels": {"site": "lisbon"}}
    fleet.reactions.rules = [{"mode": "off", "sensors": ["disk", "my*"], "match": match}]
    fleet.acted = [acted(1), acted(2, step=2, by="ada", status=1, at=time.time() - 30)]
    fleet.tell("not_mended", "beta: disk[/var]: not mended", incident=7, at=time.time() - 40)
    fleet.tell("mended", "beta: disk[/var]: mended in 12 s", incident=7, at=time.time() - 18)
    return fleet


def acted(number: int, **more: Any) -> dict[str, Any]:
    action = {
        "id": number,
        "at": time.time() - 60,
        "server": "b",
        "sensor": "disk",
        "instance": "/var",
        "command": "journalctl --vacuum-size=200M",
        "outcome": "done",
        "reason": "it is 97 % and >= 95 is an alarm",
        "status": 0,
        "output": "freed <b>1.2G</b>",
        "finished_at": time.time() - 20,
        "incident": 7,
        "step": 1,
        "by": "",
    }
    return action | more


def bar(page: Page) -> Locator:
    return page.locator("#stopped")


def region(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


async def test_it_shows_what_runs_what_waits_what_is_used_and_what_ran(visit: Visitor) -> None:
    opened = await visit(reacting(), "#/reactions")
    page = opened.page
    await expect(page.locator(".mode")).to_have_text("Onreactions run")
    running = region(page, "Running now")
    await expect(running).to_contain_text("disk[/var] on beta fallback by ada")
    await expect(running).to_contain_text("1 waits for what holds it to pass:")
    await expect(running).to_contain_text("load on beta held: silenced")
    limits = region(page, "Limits")
    await expect(limits.get_by_role("listitem").nth(0)).to_contain_text("1 of 10")
    await expect(limits).to_contain_text("Servers of site=porto1 of 1 – full")
    await expect(limits).to_contain_text("3 times on a server within 1 h is latched")
    modes = region(page, "Modes").get_by_role("listitem")
    await expect(modes).to_have_text(
        ["Offdisk, my* on hostname db*, site lisbon", "Oneverything else"]
    )
    latest = region(page, "Latest").locator(".action")
    await expect(latest).to_have_count(2)
    await expect(latest.nth(0)).to_contain_text("done, exit status 1")
    await expect(latest.nth(0)).to_contain_text("fallbackby ada")
    await expect(latest.nth(0).locator(".mark")).to_have_text("Mended")
    await expect(latest.nth(1).locator(".mark")).to_have_text("Not mended")
    incident = latest.nth(1).get_by_role("link", name="Incident")
    await expect(incident).to_have_attribute("href", "#/incidents/7")
    await latest.nth(1).get_by_text("Output", exact=True).click()
    await expect(latest.nth(1)).to_contain_text("freed <b>1.2G</b>")
    await opened.assert_no_complaints()


async def test_all_reactions_are_stopped_and_every_page_says_so(visit: Visitor) -> None:
    opened = await visit(reacting(), "#/reactions")
    page, reactions = opened.page, opened.fleet.reactions
    other = await page.context.new_page()
    await other.goto(f"{opened.daemon.url}#/fleet")
    await expect(bar(page)).to_be_hidden()
    await page.get_by_role("button", name="Stop all reactions…").click()
    await page.get_by_role("button", name="Stop everything now").click()
    await expect(page.get_by_text("Say why: everybody reads it.")).to_be_visible()
    await page.get_by_label("Reason").fill("deploying <i>now</i>")
    await page.keyboard.press("Enter")
    for one in (page, other):
        await expect(bar(one)).to_contain_text("Reactions are stopped by a link since ")
        await expect(bar(one)).to_contain_text("deploying <i>now</i>")
    assert reactions.stop_ is not None
    await expect(page.locator(".mode")).to_contain_text("Stopped")
    await expect(page.get_by_role("button", name="Stop all reactions…")).to_be_hidden()
    await other.reload()
    await expect(bar(other)).to_contain_text("deploying <i>now</i>")
    await other.evaluate("location.hash = '#/wall'")
    await expect(bar(other)).to_contain_text("deploying <i>now</i>")
    await page.get_by_role("button", name="Resume…").click()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Resume…")).to_be_focused()
    assert reactions.stopped
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    for one in (page, other):
        await expect(bar(one)).to_be_hidden()
    assert not reactions.stopped
    await opened.assert_no_complaints()


async def test_what_is_not_kept_is_said_and_the_reason_stays_typed(visit: Visitor) -> None:
    opened = await visit(reacting(), "#/reactions")
    page, reactions = opened.page, opened.fleet.reactions
    reactions.disk = False
    await page.get_by_role("button", name="Release apache on alpha").click()
    await expect(
        page.get_by_text("apache on alpha is still latched: it stays latched: the disk is full")
    ).to_be_visible()
    await page.get_by_role("button", name="Stop all reactions…").click()
    await page.get_by_label("Reason").fill("the disk is full")
    await page.keyboard.press("Enter")
    await expect(bar(page)).to_contain_text("the disk is full")
    await page.get_by_role("button", name="Resume…").click()
    await page.get_by_role("button", name="Yes, resume").click()
    await expect(bar(page)).to_contain_text("Still stopped: reactions stay stopped")


async def test_a_latch_is_released(visit: Visitor) -> None:
    opened = await visit(reacting(), "#/reactions")
    page = opened.page
    latch = region(page, "Latched").get_by_role("listitem")
    await expect(latch).to_contain_text("apache on alphait ran 3 times within 1h")
    await latch.get_by_role("button", name="Release apache on alpha").click()
    await expect(page.get_by_text("apache on alpha is released.")).to_be_visible()
    await expect(page.get_by_text("None: no reaction ran too often.")).to_be_visible()
    assert opened.fleet.reactions.latches == []


async def test_the_console_stops_and_resumes(visit: Visitor) -> None:
    opened = await visit(reacting())
    page, reactions = opened.page, opened.fleet.reactions
    await expect(page.locator("html")).to_have_attribute("data-may-act", "")
    await page.keyboard.press("`")
    for line, said in (
        ("stop", "stop takes REASON."),
        ("stop deploying a kernel", "Reactions are stopped: deploying a kernel"),
    ):
        await page.get_by_label("Command", exact=True).fill(line)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("log")).to_contain_text(said)
    assert reactions.stop_["reason"] == "deploying a kernel"
    await page.get_by_label("Command", exact=True).fill("resume")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log")).to_contain_text("Reactions may run again.")
    assert not reactions.stopped


async def test_who_may_only_look_sees_all_and_changes_nothing(visit: Visitor) -> None:
    fleet = reacting()
    await fleet.reactions.stop("deploying", "ada")
    opened = await visit(fleet, "#/reactions", role=Role.VIEWER)
    page = opened.page
    await expect(bar(page)).to_contain_text("Reactions are stopped by ada")
    await expect(region(page, "Latched")).to_contain_text("apache")
    main = page.get_by_role("main")
    await expect(
        main.get_by_role("button").or_(main.get_by_role("link", name="Run"))
    ).to_have_count(0)
    await expect(bar(page).get_by_role("button")).to_have_count(0)
