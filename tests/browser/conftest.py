"""One real browser for all tests, and pages that report what they had to complain about."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from outkept.serve.auth import Role
from tests.serve.daemon import Daemon, daemon
from tests.serve.fleet import Fleet

CHROMIUM = next(
    (
        path
        for path in ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
        if os.path.exists(path)
    ),
    None,
)
WAIT_MS = 30_000

WATCH = """
window.complaints = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.complaints.push(`${event.violatedDirective} ${event.blockedURI}`));
"""

expect.set_options(timeout=WAIT_MS)


@dataclass
class Visit:
    """A page open at a daemon, and the errors it reported."""

    page: Page
    daemon: Daemon
    errors: list[str] = field(default_factory=list)

    @property
    def fleet(self) -> Fleet:
        return self.daemon.fleet

    async def assert_no_complaints(self) -> None:
        """Nothing in the console, and nothing the content security policy had to stop."""
        assert self.errors == []
        assert await self.page.evaluate("window.complaints") == []


Visitor = Callable[..., Any]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking"],
        )
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Visitor]:
    """Opens pages: `await visit(fleet, "#/…", width=390)`. Each has had its snapshot of the fleet,
    unless it is not waited for `live`. Closes them with their daemons."""
    async with AsyncExitStack() as stack:

        async def open_page(
            fleet: Fleet,
            path: str = "",
            *,
            width: int = 1280,
            clock: bool = False,
            live: bool = True,
            role: Role = Role.ADMIN,
            **more: Any,
        ) -> Visit:
            running = await stack.enter_async_context(daemon(fleet))
            context = await browser.new_context(
                viewport={"width": width, "height": 800}, locale="en-GB", **more
            )
            stack.push_async_callback(context.close)
            context.set_default_timeout(WAIT_MS)
            name, value = running.session(role)
            await context.add_cookies([{"name": name, "value": value, "url": running.url}])
            page = await context.new_page()
            opened = Visit(page, running)
            page.on("pageerror", lambda error: opened.errors.append(str(error)))
            page.on(
                "console",
                lambda line: opened.errors.append(line.text) if line.type == "error" else None,
            )
            await page.add_init_script(WATCH)
            if clock:
                await page.clock.install()
            await page.goto(running.url + path)
            if live:
                await expect(page.locator("html")).to_have_attribute("data-connection", "live")
            return opened

        yield open_page
