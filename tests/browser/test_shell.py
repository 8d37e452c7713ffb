"""What is around every page: navigation, keys, theme, search, console, wall, spoken alarms."""

import time

import pytest
from playwright.async_api import Locator, Page, expect

from outkept.model.event import Condition
from outkept.model.silence import Silence
from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet, sensor, server, varied

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEECH = """() => {
window.said = [];
speechSynthesis.speak = (utterance) => {
  said.push(utterance.text);
  setTimeout(() => utterance.dispatchEvent(new Event("end")));
};
}"""


def heading(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("heading", level=1)


async def said(page: Page, text: str) -> None:
    await expect(page.get_by_role("log")).to_contain_text(text)


async def command(page: Page, line: str) -> None:
    await page.get_by_label("Command").fill(line)
    await page.keyboard.press("Enter")


async def test_pages_are_reached_by_links_and_by_keys(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    await page.get_by_role("navigation").get_by_role("link", name="Fleet").click()
    await expect(heading(page)).to_have_text("Fleet")
    await expect(heading(page)).to_be_focused()
    await expect(page.get_by_role("link", name="Fleet")).to_have_attribute("aria-current", "page")
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await expect(heading(page)).to_have_text("Overview")
    await page.evaluate("location.hash = '#/nowhere'")
    await expect(page.get_by_role("alert")).to_have_text("This page doesn't exist.")
    await opened.assert_no_complaints()


async def test_the_theme_is_the_systems_until_chosen(visit: Visitor) -> None:
    opened = await visit(varied(), color_scheme="dark")
    page = opened.page
    root = page.locator("html")
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.emulate_media(color_scheme="light")
    await expect(root).to_have_attribute("data-theme", "light")
    await expect(page.get_by_role("button", name="Theme: as the system's")).to_be_visible()
    await page.keyboard.press("t")
    await page.keyboard.press("t")
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="Theme: dark").click()
    await expect(root).to_have_attribute("data-theme", "light")


async def test_help_lists_the_keys_and_can_turn_them_off(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    await expect(page.locator(".tile").first).to_be_visible()
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    await expect(dialog).to_contain_text("search servers, sensors and pages")
    await dialog.get_by_label("Single keys do something").uncheck()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await page.keyboard.press("/")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("button", name="Keyboard help").click()
    await expect(dialog.get_by_label("Single keys do something")).not_to_be_checked()


async def test_slash_finds_hostnames_addresses_labels_and_sensors(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    await expect(page.locator(".tile").first).to_be_visible()
    await page.keyboard.press("/")
    dialog = page.get_by_role("dialog", name="Search")
    box = dialog.get_by_role("combobox")
    await expect(box).to_be_focused()
    chosen = dialog.locator("[aria-selected]")
    for text, found in (
        ("mail01", "mail01.madrid"),
        ("10.0.0.14", "build01.porto"),
        ("site=porto build", "build01.porto"),
        ("netw", "network_in"),
        ("flee", "Fleet"),
    ):
        await box.fill(text)
        await expect(chosen).to_contain_text(found)
    await box.fill("uptime")
    await expect(chosen).to_contain_text("on 32 servers")
    await page.keyboard.press("Enter")
    await expect(heading(page)).to_have_text("uptime")
    await page.keyboard.press("/")
    await box.fill("cache01")
    await expect(chosen).to_contain_text("cache01")
    await page.keyboard.press("Enter")
    await expect(heading(page)).to_have_text("cache01.lisbon.example.net")
    await expect(dialog).to_be_hidden()
    await opened.assert_no_complaints()


async def test_search_offers_the_rest_pins_and_moves_by_arrows(visit: Visitor) -> None:
    opened = await visit(varied(200))
    page = opened.page
    await expect(page.locator(".tile").first).to_be_visible()
    await page.get_by_role("button", name="Search").click()
    dialog = page.get_by_role("dialog", name="Search")
    await dialog.get_by_role("combobox").fill("web")
    chosen = dialog.locator("[aria-selected]")
    await expect(chosen).to_contain_text("web01")
    await page.keyboard.press("ArrowDown")
    await expect(chosen).to_contain_text("web02")
    await page.keyboard.press("Control+p")
    await expect(dialog.get_by_role("button", name="Pin web02")).to_have_attribute(
        "aria-pressed", "true"
    )
    await dialog.get_by_role("button", name="Pin web03").click()
    await dialog.get_by_role("link", name="All of them").click()
    await expect(page.get_by_text("34 of 200 servers")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    for name in ("web02", "web03"):
        await expect(page.locator(".tile").filter(has_text=name)).to_be_visible()


async def test_the_console_does_what_it_lists(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    await expect(page.locator(".tile").first).to_be_visible()
    await page.keyboard.press("`")
    await expect(page.get_by_label("Command")).to_be_focused()
    await command(page, "help")
    for name in ("filter", "mute", "open", "pin", "sweep", "theme", "unpin", "wall"):
        await said(page, f"{name} ")
    await command(page, "pin web01")
    await said(page, "web01.lisbon.example.net pinned to the overview")
    await expect(page.locator(".tile").filter(has_text="web01")).to_be_visible()
    await command(page, "unpin all")
    await expect(page.locator(".tile").filter(has_text="web01")).to_have_count(0)
    await command(page, "status")
    await said(page, "32 servers: 2 alarmed, 1 quarantined, 1 warned, 2 disconnected, 26 normal.")
    await command(page, "alarms")
    await said(page, "mail01.madrid.example.net: load 23.4")
    await command(page, "theme dark")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await command(page, "sweep 10.0.0.0/24")
    await said(page, "Sweeping 10.0.0.0/24.")
    await command(page, "sweep 10.8.0.0/24")
    await said(page, "10.8.0.0/24")
    await command(page, "filter level:alarmed")
    await said(page, "2 of 32 servers in the fleet.")
    await expect(page.get_by_text("2 of 32 servers", exact=True)).to_be_visible()
    await command(page, "open web")
    await said(page, "6 servers match")
    await command(page, "dance")
    await said(page, "There is no command dance: help lists them.")
    await command(page, "open web02")
    await expect(heading(page)).to_have_text("web02.lisbon.example.net")
    await expect(page.get_by_role("region", name="Console")).to_be_hidden()
    assert all("400" in error or "404" in error for error in opened.errors)


async def test_the_console_recalls_and_completes(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    await expect(page.locator(".tile").first).to_be_visible()
    await page.keyboard.press("`")
    line = page.get_by_label("Command")
    await line.fill("unp")
    await page.keyboard.press("Tab")
    await expect(line).to_have_value("unpin ")
    await line.fill("open mail01")
    await page.keyboard.press("Tab")
    await expect(line).to_have_value("open mail01.madrid.example.net")
    await line.fill("open mail")
    await page.keyboard.press("Tab")
    await expect(line).to_have_value("open mail0")
    await expect(page.get_by_role("region", name="Console")).to_contain_text("mail02.madrid")
    await command(page, "status")
    await command(page, "pins")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(line).to_have_value("status")
    await page.keyboard.press("`")
    await expect(page.get_by_role("region", name="Console")).to_be_hidden()
    await page.reload()
    await expect(page.locator(".tile").first).to_be_visible()
    await page.keyboard.press("`")
    await page.keyboard.press("ArrowUp")
    await expect(line).to_have_value("pins")


async def test_alarms_are_spoken_once_allowed_and_many_as_one(visit: Visitor) -> None:
    fleet = Fleet(server(f"s{n}", f"s{n}.example.net") for n in range(9))
    opened = await visit(fleet)
    page = opened.page
    await page.evaluate(SPEECH)
    button = page.get_by_role("button", name="Speak alarms")
    await expect(button).to_have_attribute("aria-pressed", "false")
    fleet.tell("alarmed", "load is 23", server="s1", sensor="load")
    await expect(page.get_by_role("banner")).to_contain_text("load is 23")
    assert await page.evaluate("said") == []
    await button.click()
    await page.wait_for_function("() => said.at(-1) === 'Alarms are spoken.'")
    fleet.tell("alarmed", "disk is full", server="s2", sensor="disk[/var]")
    await page.wait_for_function("() => said.at(-1) === 'Alarm: s2, disk /var.'")
    for n in range(9):
        fleet.tell("alarmed", "load is 23", server=f"s{n}", sensor="load")
    await page.wait_for_function("() => said.at(-1) === '9 alarms on 9 servers.'")
    await page.keyboard.press("m")
    await expect(button).to_have_attribute("aria-pressed", "false")
    await page.keyboard.press("m")
    await page.reload()
    await expect(button).to_have_attribute("aria-pressed", "true")


async def test_what_is_silenced_is_not_spoken(visit: Visitor) -> None:
    fleet = Fleet(server(f"s{n}", f"s{n}.example.net") for n in range(3))
    now = time.time()
    await fleet.desk.add_silence(Silence(now, now + 900, "new kernel", "ada", "s1.*"))
    page = (await visit(fleet)).page
    await page.evaluate(SPEECH)
    await page.get_by_role("button", name="Speak alarms").click()
    await page.wait_for_function("() => said.at(-1) === 'Alarms are spoken.'")
    fleet.tell("alarmed", "load is 23", server="s1", sensor="load")
    fleet.tell("alarmed", "load is 24", server="s2", sensor="load")
    await page.wait_for_function("() => said.at(-1) === 'Alarm: s2, load.'")
    fleet.tell("gone", "no answer", server="s0", condition=Condition.GONE)
    await page.wait_for_function("() => said.at(-1) === 'Alarm: s0 is gone.'")
    assert await page.evaluate("said.length") == 3


async def test_the_wall_shows_nothing_but_the_fleet_and_is_left_by_escape(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    await expect(page.locator(".tile").first).to_be_visible()
    await page.keyboard.press("w")
    wall = page.locator(".wall-page")
    await expect(wall.get_by_role("list", name="Servers that need attention")).to_contain_text(
        "mail01.madrid.example.net"
    )
    await expect(wall.locator("canvas")).to_be_visible()
    await expect(wall.get_by_role("list", name="Latest events")).to_contain_text("Alarmed")
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await expect(page.get_by_role("banner")).to_be_hidden()
    await expect(wall.locator(".counter-servers")).to_contain_text("32")
    await page.keyboard.press("Escape")
    await expect(heading(page)).to_have_text("Overview")
    await expect(page.get_by_role("navigation")).to_be_visible()


async def test_p_pins_the_server_that_is_shown(visit: Visitor) -> None:
    fleet = Fleet([server("a", "alpha.example.net", sensors=[sensor("load", 0.5)])])
    opened = await visit(fleet, "#/server/a")
    page = opened.page
    await expect(heading(page)).to_have_text("alpha.example.net")
    await page.keyboard.press("p")
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await expect(page.locator(".tile")).to_contain_text("alpha.example.net")
