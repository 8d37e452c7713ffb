"""The page of a real daemon over a real sshd: what people do about an incident there, and have
run."""

import os
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.app.harness import Process, Site
from tests.browser.conftest import WAIT_MS
from tests.servers import User, machine

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINK = re.compile(r"http://127\.0\.0\.1:\d+/\?token=\S+")


async def _sign_in(process: Process, page: Page) -> None:
    link = await process.until(lambda: LINK.search(process.log), "it prints a link")
    await page.goto(link.group())
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()


async def test_an_alarm_is_taken_on_noted_silenced_and_over(
    browser: Browser, ssh_user: User, tmp_path: Path
) -> None:
    subnet = f"127.91.{os.getpid() % 250}.0/30"
    site = Site(tmp_path / "site", ssh_user, subnet)
    depth = Path(ssh_user.home) / "depth"
    depth.write_text("12")
    site.sensor("depth", f"cat {depth}", warning=5, alarm=10)
    context = await browser.new_context(locale="en-GB")
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    with (
        machine("web1", addresses=[site.address(1)], port=site.port),
        site.process() as process,
    ):
        await _sign_in(process, page)
        await page.evaluate("location.hash = '#/incidents'")
        await page.get_by_role("link", name="depth").click()
        await page.get_by_label("Comment or note").fill("on my way")
        await page.get_by_role("button", name="Acknowledge").click()
        desk = page.get_by_role("region", name="Who has it")
        steps = page.get_by_role("list", name="Timeline").get_by_role("listitem")
        await expect(desk).to_contain_text("Acknowledged by a link")
        await expect(steps.last.locator(".step-text")).to_have_text("on my way")
        await page.get_by_label("Note", exact=True).fill("pump is clogged")
        await page.get_by_role("button", name="Add note").click()
        await expect(steps.last.locator(".step-text")).to_have_text("pump is clogged")
        await page.get_by_role("link", name="Silence this").click()
        form = page.get_by_role("form", name="New silence")
        await expect(form.get_by_role("status")).to_contain_text("1 server, 1 series: web1")
        await form.get_by_label("Reason").fill("new pump")
        await page.keyboard.press("Enter")
        active = page.get_by_role("list", name="Active silences").get_by_role("listitem")
        await expect(active).to_contain_text("depth on web1")
        await page.evaluate("location.hash = '#/incidents'")
        await expect(page.get_by_text("Silenced until")).to_be_visible()
        await page.get_by_role("main").get_by_role("link", name="web1").click()
        await expect(page.locator(".server-silence")).to_contain_text("here: depth, until")
        depth.write_text("1")
        await page.go_back()
        ended = page.get_by_role("list", name="Ended incidents").get_by_role("listitem")
        await expect(ended).to_contain_text("depth on web1")
        await page.evaluate("location.hash = '#/events'")
        log = page.get_by_role("list", name="Events", exact=True)
        await expect(log).to_contain_text("silence 1 begins: depth on web1")
        await expect(log).to_contain_text("a link notes: pump is clogged")
    await context.close()


async def test_a_command_is_run_and_followed_until_reactions_are_stopped(
    browser: Browser, ssh_user: User, tmp_path: Path
) -> None:
    subnet = f"127.92.{os.getpid() % 250}.0/30"
    site = Site(tmp_path / "site", ssh_user, subnet)
    go = Path(ssh_user.home) / "go"
    mend = f"echo mending; while [ ! -e {go} ]; do sleep 0.05; done; echo mended; exit 4"
    site.sensor("depth", "echo 1", warning=5, alarm=10, cooldown="0s", reactive=mend)
    context = await browser.new_context(locale="en-GB")
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    with (
        machine("web1", addresses=[site.address(1)], port=site.port),
        site.process() as process,
    ):
        await _sign_in(process, page)
        await page.evaluate("location.hash = '#/fleet?view=list'")
        await page.get_by_role("main").get_by_role("link", name="web1").click()
        await page.get_by_role("link", name="Run its reaction…").click()
        await expect(page.get_by_label("What runs")).to_contain_text("echo mending;")
        await page.get_by_label("Reason").fill("it is clogged")
        await page.keyboard.press("Enter")
        preview = page.get_by_role("region", name="Preview", exact=True)
        await page.get_by_role("button", name="Run on 1 server now").click()
        output = page.get_by_label("Output of web1")
        await expect(output).to_have_text("mending\n")
        await expect(page.locator(".run-server")).to_contain_text("Running")
        go.touch()
        await expect(output).to_have_text("mending\nmended\n")
        await expect(page.locator(".run-server")).to_contain_text("Failed, exit status 4")
        await page.get_by_role("link", name="All reactions").click()
        await expect(page.locator(".action")).to_contain_text("done, exit status 4")
        await page.get_by_role("button", name="Stop all reactions…").click()
        await page.get_by_label("Reason").fill("a new pump")
        await page.keyboard.press("Enter")
        bar = page.locator("#stopped")
        await expect(bar).to_contain_text("Reactions are stopped by a link since ")
        await expect(bar).to_contain_text(": a new pump")
        await page.evaluate("location.hash = '#/run?q=*&sensor=depth'")
        await page.get_by_role("button", name="Preview").click()
        await expect(preview).to_contain_text("It would run nowhere.")
        await expect(preview).to_contain_text("a new pump")
        await page.get_by_role("button", name="Resume…").click()
        await page.get_by_role("button", name="Yes, resume").click()
        await expect(bar).to_be_hidden()
        await page.get_by_role("button", name="Preview").click()
        await expect(preview).to_contain_text("It would run on 1 server.")
    await context.close()
