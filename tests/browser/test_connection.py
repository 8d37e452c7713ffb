"""A daemon that goes away and comes back, as the page shows it."""

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visitor
from tests.serve.daemon import daemon
from tests.serve.fleet import Fleet, sensor, server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def fleet() -> Fleet:
    return Fleet([server("a", "alpha.example.net", status="warned", sensors=[sensor("load", 0.5)])])


async def _open(page: Page, url: str) -> None:
    await page.goto(url)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()


async def test_losing_the_daemon_is_unmistakable_and_heals(visit: Visitor) -> None:
    page: Page = (await visit(fleet())).page
    async with daemon(fleet()) as first:
        port = httpx.URL(first.url).port or 0
        await _open(page, first.url)
    banner = page.get_by_text("The daemon does not answer.")
    await expect(banner).to_be_visible()
    await expect(page.locator("#banner")).to_contain_text("What you see is from")
    await expect(page.locator("main")).to_have_css("filter", "grayscale(1)")
    again = fleet()
    again.read("a", "load", value=7.5)
    again.put(server("b", "beta.example.net", status="warned"))
    async with daemon(again, port=port):
        await expect(banner).to_be_hidden()
        await expect(page.locator(".tile")).to_have_count(2)
        await expect(page.locator(".tile").first).to_contain_text("7.5")
        again.read("a", "load", value=8.25)
        await expect(page.locator(".tile").first).to_contain_text("8.25")


async def test_try_now_does_not_wait(visit: Visitor) -> None:
    page: Page = (await visit(fleet(), clock=True)).page
    async with daemon(fleet()) as first:
        port = httpx.URL(first.url).port or 0
        await _open(page, first.url)
    await expect(page.locator("#banner")).to_be_visible()
    await page.clock.pause_at(await page.evaluate("Date.now()") + 1000)
    # No try is under way, which might find the next daemon, and none begins by itself now.
    await expect(page.locator("#banner")).to_contain_text("Trying again in")
    async with daemon(fleet(), port=port):
        await page.get_by_role("button", name="Try now").click()
        await expect(page.locator("#banner")).to_be_hidden()


async def test_a_daemon_that_falls_silent_is_noticed(visit: Visitor) -> None:
    opened = await visit(fleet(), clock=True)
    await expect(opened.page.get_by_text("Live", exact=True)).to_be_visible()
    opened.daemon.hub.flush = lambda: None
    await opened.page.clock.fast_forward(10_000)
    await expect(opened.page.locator("html")).to_have_attribute("data-connection", "lost")
    del opened.daemon.hub.flush
    await opened.page.clock.fast_forward(10_000)
    await expect(opened.page.locator("html")).to_have_attribute("data-connection", "live")


async def test_another_daemon_in_its_place_asks_to_sign_in(visit: Visitor) -> None:
    page: Page = (await visit(fleet())).page
    async with daemon(fleet()) as first:
        port = httpx.URL(first.url).port or 0
        await _open(page, first.url)
    async with daemon(fleet(), port=port, secret=b"another state directory's secret") as second:
        await expect(page.get_by_role("heading", name="Sign in to Outkept")).to_be_visible()
        await _open(page, second.link)


async def test_a_missing_delta_is_noticed_and_mended(visit: Visitor) -> None:
    opened = await visit(fleet())
    await expect(opened.page.locator(".tile")).to_contain_text("0.5")
    opened.daemon.hub._seq += 5
    opened.fleet.read("a", "load", value=6.5)
    await expect(opened.page.locator(".tile")).to_contain_text("6.5")
    await expect(opened.page.get_by_text("Live", exact=True)).to_be_visible()
