"""Incidents and their timelines, as a person sees them."""

import time

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet, sensor, server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def troubled() -> Fleet:
    now = time.time()
    disk = sensor("disk", 97.5, "%", instance="/var", status="fired", warning=85, alarm=95)
    fleet = Fleet(
        [
            server("a", "alpha", sensors=[disk]),
            server("b", "beta", sensors=[sensor("load", 1.0, warning=8, alarm=16)]),
        ]
    )

    def told(type_: str, what: str, ago: float, **more: object) -> None:
        fleet.tell(type_, what, at=now - ago, **more)

    told("warned", "beta: load is 9", 900, server="b", sensor="load", value=9.0)
    told("alarmed", "beta: load is 17", 890, server="b", sensor="load", value=17.0)
    told("recovered", "beta: load is back to normal", 600, server="b", sensor="load", value=1.0)
    var = {"server": "a", "sensor": "disk[/var]"}
    told("warned", "alpha: disk[/var] is 86 % >= 85 (warned)", 300, value=86.0, **var)
    told("alarmed", "alpha: disk[/var] is 97.5 % >= 95 (alarmed)", 200, value=97.5, **var)
    told("fired", "alpha: disk[/var]: ran `clean`: exit status 0", 195, **var)
    fleet.acted = [
        {
            "id": 1,
            "at": now - 199.5,
            "server": "a",
            "sensor": "disk",
            "instance": "/var",
            "command": "clean",
            "outcome": "done",
            "reason": "it is 97.5 %",
            "status": 0,
            "output": "freed 2G",
            "finished_at": now - 195,
            "incident": None,
            "step": 1,
            "by": "",
        }
    ]
    return fleet


def listed(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name=name).get_by_role("listitem")


async def test_open_ones_stand_above_those_that_ended(visit: Visitor) -> None:
    opened = await visit(troubled(), "#/incidents")
    running = listed(opened.page, "Open incidents")
    await expect(running).to_have_count(1)
    await expect(running).to_contain_text("disk[/var]")
    await expect(running).to_contain_text("Alarmed")
    await expect(running).to_contain_text("open for 5 min")
    await expect(running).to_contain_text("1 reaction: done")
    ended = listed(opened.page, "Ended incidents")
    await expect(ended).to_contain_text("load on beta")
    await expect(ended).to_contain_text("was alarmed")
    await expect(ended).to_contain_text("lasted 5 min")
    await opened.assert_no_complaints()


async def test_only_open_ones_when_asked_for(visit: Visitor) -> None:
    opened = await visit(troubled(), "#/incidents")
    await expect(listed(opened.page, "Ended incidents")).to_have_count(1)
    await opened.page.get_by_role("button", name="Open", exact=True).click()
    await expect(listed(opened.page, "Ended incidents")).to_have_count(0)
    await expect(listed(opened.page, "Open incidents")).to_have_count(1)


async def test_one_that_opens_and_ends_is_seen_to(visit: Visitor) -> None:
    opened = await visit(troubled(), "#/incidents")
    running = listed(opened.page, "Open incidents")
    await expect(running).to_have_count(1)
    opened.fleet.tell("warned", "beta: load is 8.5", server="b", sensor="load", value=8.5)
    await expect(running).to_have_count(2)
    await expect(running.first).to_contain_text("load on beta")
    opened.fleet.tell("recovered", "beta: load is 1", server="b", sensor="load", value=1.0)
    await expect(running).to_have_count(1)
    await expect(listed(opened.page, "Ended incidents")).to_have_count(2)


async def test_its_timeline_goes_from_reading_to_recovery(visit: Visitor) -> None:
    opened = await visit(troubled(), "#/incidents")
    await listed(opened.page, "Open incidents").get_by_role("link", name="disk[/var]").click()
    page = opened.page
    await expect(page.get_by_role("heading", level=1)).to_have_text("disk[/var] on alpha")
    steps = listed(page, "Timeline")
    await expect(steps).to_contain_text(["Reading", "Level", "Level", "Reaction", "Outcome"])
    await expect(steps.nth(0)).to_contain_text("86 %")
    await expect(steps.nth(2)).to_contain_text("disk[/var] is 97.5 % >= 95 (alarmed)")
    await expect(steps.nth(2)).to_contain_text("after 1 min 40 s")
    await expect(steps.nth(3)).to_contain_text("clean")
    await expect(steps.nth(4)).to_contain_text("done, exit status 0")
    await steps.nth(4).get_by_text("Output").click()
    await expect(steps.nth(4).get_by_text("freed 2G")).to_be_visible()
    recovered = {"server": "a", "sensor": "disk[/var]", "value": 60.0}
    opened.fleet.tell("recovered", "alpha: disk[/var] is back to normal at 60 %", **recovered)
    await expect(steps).to_have_count(6)
    await expect(steps.last).to_contain_text("Recovery")
    await expect(steps.nth(4).get_by_text("freed 2G")).to_be_visible()
    await expect(page.get_by_role("main").get_by_text("Recovered", exact=True)).to_be_visible()
    await opened.assert_no_complaints()


async def test_the_readings_around_it_are_drawn(visit: Visitor) -> None:
    opened = await visit(troubled(), "#/incidents/4")
    readings = opened.page.get_by_role("region", name="Readings")
    await expect(readings).to_contain_text("Between")
    canvas = readings.locator("canvas")
    await expect(canvas).to_be_visible()
    await canvas.hover()
    await expect(readings).to_contain_text(" to ")


async def test_any_event_of_it_leads_there(visit: Visitor) -> None:
    opened = await visit(troubled(), "#/incidents/6")
    await expect(opened.page.get_by_role("heading", level=1)).to_have_text("disk[/var] on alpha")


async def test_an_incident_that_is_not_there_is_said_so(visit: Visitor) -> None:
    opened = await visit(troubled(), "#/incidents/99")
    await expect(opened.page.get_by_role("alert")).to_contain_text("part of no incident")
