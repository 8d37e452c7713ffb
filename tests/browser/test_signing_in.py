"""Coming in by a link and by a password, in a real browser."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from outkept.serve import users
from outkept.serve.auth import Role
from tests.browser.conftest import WAIT_MS, WATCH
from tests.browser.test_axe import violations
from tests.serve.daemon import Daemon, daemon
from tests.serve.fleet import varied

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "correct horse battery staple"
HEADING = "Sign in to Outkept"


@pytest_asyncio.fixture(loop_scope="session")
async def served(tmp_path: Path) -> AsyncIterator[Daemon]:
    users.add(tmp_path, "ada", Role.OPERATOR, PASSWORD)
    users.add(tmp_path, "vera", Role.VIEWER, PASSWORD)
    async with daemon(varied(), state=tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of a browser that has been nowhere yet."""
    context = await browser.new_context(viewport={"width": 390, "height": 800}, locale="en-GB")
    context.set_default_timeout(WAIT_MS)
    opened = await context.new_page()
    await opened.add_init_script(WATCH)
    yield opened
    await context.close()


async def _is_live(page: Page) -> None:
    await expect(page.locator("html")).to_have_attribute("data-connection", "live")


async def test_a_link_opens_the_page_and_leaves_no_token_behind(served: Daemon, page: Page) -> None:
    link = served.link
    await page.goto(link)
    await _is_live(page)
    assert "token" not in page.url
    await page.reload()
    await _is_live(page)
    assert await page.evaluate("document.cookie") == ""
    await page.context.clear_cookies()
    await page.goto(link)
    await expect(page.get_by_role("alert")).to_contain_text("used already")
    assert "token" not in page.url


async def test_a_password_opens_the_place_that_was_asked_for(served: Daemon, page: Page) -> None:
    await page.goto(f"{served.url}#/server/0000b1c2d3e4")
    await expect(page.get_by_role("heading", name=HEADING)).to_be_visible()
    await expect(page.get_by_label("User")).to_be_focused()
    await page.keyboard.type("ada")
    await page.keyboard.press("Tab")
    await page.keyboard.type("not her password")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("the password is wrong")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await _is_live(page)
    assert page.url.endswith("/#/server/0000b1c2d3e4")
    assert await page.evaluate("window.complaints") == []


async def test_who_is_signed_out_elsewhere_comes_back_to_where_they_were(
    served: Daemon, page: Page, tmp_path: Path
) -> None:
    await page.goto(f"{served.link}#/server/0000b1c2d3e4")
    await _is_live(page)
    for session in list(served.access.sessions._by_hash):
        del served.access.sessions._by_hash[session]
    await expect(page.get_by_role("heading", name=HEADING)).to_be_visible()
    await page.get_by_label("User").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await _is_live(page)
    assert page.url.endswith("/#/server/0000b1c2d3e4")


async def test_without_the_role_a_button_is_not_there(served: Daemon, page: Page) -> None:
    for role, buttons in ((Role.VIEWER, 0), (Role.OPERATOR, 1)):
        name, value = served.session(role)
        await page.context.add_cookies([{"name": name, "value": value, "url": served.url}])
        await page.goto(f"{served.url}#/discovery")
        await page.reload()
        await _is_live(page)
        await expect(page.locator(".range").first).to_be_visible()
        await expect(
            page.get_by_role("button", name=re.compile(f"Account: .*{role}"))
        ).to_be_visible()
        await expect(page.get_by_role("button", name="Sweep", exact=False)).to_have_count(
            buttons * 2
        )


async def test_the_form_leads_on_who_is_signed_in_already(served: Daemon, page: Page) -> None:
    """As who follows a link from another site is: there the strict cookie comes late."""
    await page.goto(served.link)
    await _is_live(page)
    await page.goto(f"{served.url}login")
    await _is_live(page)


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_the_form_can_be_read_and_has_names(served: Daemon, page: Page, scheme: str) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.goto(f"{served.url}login?link=spent")
    await expect(page.get_by_role("heading", level=1)).to_have_text(HEADING)
    await expect(page.get_by_role("main")).to_have_count(1)
    await page.get_by_label("User").fill("nobody")
    await page.get_by_label("Password").fill("wrong password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("the password is wrong")).to_be_visible()
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_account_says_who_is_signed_in_and_signs_out(served: Daemon, page: Page) -> None:
    await page.goto(f"{served.url}login")
    await page.get_by_label("User").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await _is_live(page)
    await page.get_by_role("button", name="Account").click()
    dialog = page.get_by_role("dialog", name="Account")
    await expect(dialog).to_contain_text("Signed in as ada, operator")
    await dialog.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name=HEADING)).to_be_visible()
    await page.goto(served.url)
    await expect(page.get_by_role("heading", name=HEADING)).to_be_visible()


@pytest.mark.parametrize(("user", "sweeps"), [("ada", 1), ("vera", 0)])
async def test_the_console_offers_only_what_one_may(
    served: Daemon, page: Page, user: str, sweeps: int
) -> None:
    await page.goto(f"{served.url}login")
    await page.get_by_label("User").fill(user)
    await page.get_by_label("Password").fill(PASSWORD)
    async with page.expect_response("**/api/v1/me"):
        await page.keyboard.press("Enter")
    await _is_live(page)
    await page.keyboard.press("`")
    await page.get_by_label("Command").fill("help")
    await page.keyboard.press("Enter")
    log = page.get_by_role("log")
    await expect(log).to_contain_text("status")
    await expect(log.get_by_text("sweep a configured range now")).to_have_count(sweeps)
