"""Every width, no mouse, either theme."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visitor
from tests.serve.fleet import varied
from tests.serve.people import act, attend
from tests.views import summaries

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOCUSED = "document.activeElement.className"
CONTRASTS = """() => {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      if (!/, 0\\)$|transparent/.test(style.backgroundColor)) return style.backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    if (!text || !node.checkVisibility() || node.closest("noscript")) continue;
    const behind = ground(node);
    if (!behind) continue;
    const colours = [getComputedStyle(node).color, behind];
    const [high, low] = colours.map(luminance).sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) poor.add(`${ratio.toFixed(2)} ${node.className} ${text.slice(0, 30)}`);
  }
  return [...poor];
}"""


PLACES = (
    ("/fleet?group=label:site", ".map-label"),
    ("/fleet?view=list", ".list-body .list-row"),
    ("/wall", ".wall-map"),
    ("/server/0002b1c2d3e4", "canvas"),
    ("/incidents", ".incident"),
    ("/incidents/7", ".desk-form"),
    ("/silences?new=yes", ".silence-form"),
    ("/reactions", ".latch"),
    ("/run?q=*&sensor=load", "#run-sensor"),
    ("/run/RUN", ".run-server"),
    ("/notices", ".notice"),
)


async def _fits(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("width", [320, 390, 900, 1440, 2560])
async def test_nothing_scrolls_sideways(visit: Visitor, width: int) -> None:
    fleet = varied()
    await attend(fleet)
    run = await act(fleet)
    await fleet.reactions.stop("a new kernel everywhere, back at 15:00", "ada")
    opened = await visit(fleet, width=width)
    await expect(opened.page.locator(".tile")).to_have_count(8)
    assert await _fits(opened.page)
    for path, there in PLACES:
        await opened.page.evaluate("(path) => { location.hash = path; }", path.replace("RUN", run))
        await expect(opened.page.locator(there).first).to_be_visible()
        assert await _fits(opened.page), path


async def test_the_keyboard_alone_reaches_a_server_and_comes_back(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    await expect(page.locator(".tile")).to_have_count(8)
    await page.keyboard.press("Tab")
    assert await page.evaluate(FOCUSED) == "skip"
    await page.keyboard.press("Enter")
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate(FOCUSED) == "tile-link":
            break
    outlined = page.locator(".tile:has(.tile-link:focus-visible)")
    await expect(outlined).to_have_css("outline-style", "solid")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await expect(page.locator(".tile")).to_have_count(8)


async def test_a_focused_tile_keeps_the_focus_when_it_moves(visit: Visitor) -> None:
    opened = await visit(varied())
    await expect(opened.page.locator(".tile")).to_have_count(8)
    link = opened.page.locator(".tile-link").filter(has_text="edge01")
    await link.focus()
    server_id = next(
        one["id"] for one in summaries(opened.fleet) if one["hostname"].startswith("edge01")
    )
    opened.fleet.change(server_id, status="alarmed")
    await expect(opened.page.locator(".tile").nth(0)).to_contain_text("edge01")
    await expect(link).to_be_focused()


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_every_text_has_enough_contrast(visit: Visitor, scheme: str) -> None:
    fleet = varied()
    await attend(fleet)
    run = await act(fleet)
    await fleet.reactions.stop("a new kernel everywhere, back at 15:00", "ada")
    opened = await visit(fleet, color_scheme=scheme)
    await expect(opened.page.locator(".tile")).to_have_count(8)
    assert await opened.page.evaluate(CONTRASTS) == []
    for path, there in PLACES:
        await opened.page.evaluate("(path) => { location.hash = path; }", path.replace("RUN", run))
        await expect(opened.page.locator(there).first).to_be_visible()
        assert await opened.page.evaluate(CONTRASTS) == [], path


async def test_landmarks_and_names_are_there(visit: Visitor) -> None:
    opened = await visit(varied())
    page = opened.page
    for role in ("banner", "main", "navigation", "complementary"):
        await expect(page.get_by_role(role)).to_have_count(1)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    await expect(page.get_by_role("list", name="Servers")).to_be_visible()


OBSCURED = """() => {
  const node = document.activeElement;
  const box = node.getBoundingClientRect();
  const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return !(at === node || node.contains(at) || at?.contains(node))
    && node.outerHTML.slice(0, 120);
}"""


@pytest.mark.parametrize("width", [390, 1280])
async def test_what_has_the_focus_is_never_hidden_by_what_sticks(
    visit: Visitor, width: int
) -> None:
    opened = await visit(varied(), "#/fleet?view=list", width=width)
    page = opened.page
    pins = page.locator(".list-body .pin")
    await expect(pins.first).to_be_visible()
    await pins.first.focus()
    for key in ["Tab"] * 30 + ["Shift+Tab"] * 24:
        await page.keyboard.press(key)
        assert await page.evaluate(OBSCURED) is False
