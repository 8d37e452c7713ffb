"""What is swept and how addresses ended, as a person sees it."""

import time
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet, server, sweep

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = "publickey was refused for outkept"


def address(number: int, outcome: str, reason: str) -> dict[str, Any]:
    return {
        "address": f"10.0.0.{number}",
        "port": 22,
        "outcome": outcome,
        "reason": reason,
        "at": time.time() - number,
        "refusals": 1,
        "retry_at": None,
        "server": None,
    }


def swept() -> Fleet:
    fleet = Fleet([server("a", "alpha", addresses=["10.0.0.200"])])
    now = time.time()
    fleet.configured = ["10.0.0.0/24", "10.1.0.0/24"]
    fleet.swept = [
        sweep("s2", "10.0.0.0/24", total=254, done=127, found=1, rate=20.0, left_s=6.4),
        sweep("s1", "10.1.0.0/24", started=now - 700, done=254, found=7, finished=now - 600),
    ]
    fleet.tried = [address(number, "refused key", REFUSED) for number in range(1, 15)]
    fleet.tried += [address(20, "not SSH", "it says HTTP/1.1 400 Bad Request")]
    return fleet


def region(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def range_of(page: Page, text: str) -> Locator:
    return region(page, "Ranges").get_by_role("listitem").filter(has_text=text)


async def test_a_range_says_how_far_its_sweep_is_and_how_long_it_takes(visit: Visitor) -> None:
    opened = await visit(swept(), "#/discovery")
    running = range_of(opened.page, "10.0.0.0/24")
    await expect(running).to_contain_text("50 % · 127 of 254 · 20 a second · 1 found · 6 s left")
    await expect(running).to_contain_text("site: lisbon")
    bar = opened.page.get_by_role("progressbar", name="Sweep of 10.0.0.0/24")
    await expect(bar).to_be_visible()
    idle = range_of(opened.page, "10.1.0.0/24")
    await expect(idle).to_contain_text("Last 10 min ago: 7 found in 1 min 40 s")
    await expect(idle).to_contain_text("Next in 19 min")
    opened.fleet.swept[0] = opened.fleet.swept[0] | {"done": 200, "left_s": 2.0}
    await expect(running).to_contain_text("200 of 254")
    opened.fleet.swept[0] = opened.fleet.swept[0] | {"done": 254, "finished": time.time()}
    await expect(running).to_contain_text("1 found in")
    await expect(bar).to_be_hidden()


async def test_addresses_are_grouped_by_why_they_ended(visit: Visitor) -> None:
    opened = await visit(swept(), "#/discovery")
    addresses = region(opened.page, "Addresses")
    refused = opened.page.get_by_text("SSH, key refused")
    group = addresses.get_by_role("listitem").filter(has=refused)
    await expect(group.locator("summary").first).to_contain_text("14")
    await refused.click()
    await group.get_by_text(REFUSED).click()
    await expect(group.get_by_text("10.0.0.1", exact=True)).to_be_visible()
    await expect(group.locator(".addresses > li")).to_have_count(14)
    await addresses.get_by_text("Servers", exact=True).click()
    await addresses.get_by_text("Each with its machine").click()
    await expect(addresses.get_by_role("link", name="10.0.0.200")).to_be_visible()


async def test_a_range_is_swept_now(visit: Visitor) -> None:
    opened = await visit(swept(), "#/discovery")
    page = opened.page
    button = page.get_by_role("button", name="Sweep 10.1.0.0/24 now")
    await expect(page.get_by_role("button", name="Sweep 10.0.0.0/24 now")).to_be_disabled()
    await button.click()
    await expect(page.get_by_text("Sweep of 10.1.0.0/24 started.")).to_be_visible()
    await expect(page.get_by_role("progressbar", name="Sweep of 10.1.0.0/24")).to_be_visible()
    await expect(button).to_be_disabled()


async def test_who_may_not_sweep_has_no_button(visit: Visitor) -> None:
    opened = await visit(swept(), "#/sensors")

    async def viewer(route: Any) -> None:
        await route.fulfill(json={"role": "viewer", "scopes": ["read"]})

    await opened.page.route("**/api/v1/me", viewer)
    await opened.page.goto(f"{opened.daemon.url}#/discovery")
    await opened.page.reload()
    await expect(range_of(opened.page, "10.0.0.0/24")).to_be_visible()
    await expect(opened.page.get_by_text("SSH, key refused")).to_be_visible()
    await expect(opened.page.get_by_role("button", name="Sweep")).to_have_count(0)


async def test_what_a_refused_sweep_says_is_shown(visit: Visitor) -> None:
    fleet = swept()
    opened = await visit(fleet, "#/discovery")
    button = opened.page.get_by_role("button", name="Sweep 10.1.0.0/24 now")
    await expect(button).to_be_enabled()
    fleet.configured.remove("10.1.0.0/24")
    await button.click()
    await expect(opened.page.get_by_text("No sweep: no range '10.1.0.0/24'")).to_be_visible()


async def test_sweeps_that_ended_are_listed(visit: Visitor) -> None:
    opened = await visit(swept(), "#/discovery")
    row = region(opened.page, "Sweeps").get_by_role("row").nth(1)
    await expect(row).to_contain_text("10.1.0.0/24")
    await expect(row).to_contain_text("2.54/s")
