"""axe-core finds nothing, on any page, in either theme, on a phone or a desk."""

from importlib.resources import files
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visitor
from tests.serve.fleet import varied
from tests.serve.people import act, attend

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return violations.map(({ id, nodes }) =>
    `${id}: ${nodes.slice(0, 3).map((node) => node.target.join(" ")).join(" | ")}`);
}"""

PLACES = (
    ("#/", ".tile"),
    ("#/fleet?group=label:site", ".map-label"),
    ("#/fleet?view=list&group=os", ".list-body .list-row"),
    ("#/server/0002b1c2d3e4", "canvas"),
    ("#/sensors", "h1"),
    ("#/sensors/load", "h1"),
    ("#/discovery", "h1"),
    ("#/events", "h1"),
    ("#/incidents", ".incident"),
    ("#/incidents/7", ".desk-form"),
    ("#/silences", ".silence"),
    ("#/silences?new=yes&server=web*", ".silence-form"),
    ("#/server/0000b1c2d3e4", ".server-silence"),
    ("#/reactions", ".latch"),
    ("#/run?q=site:lisbon&sensor=load&step=2", "#run-sensor"),
    ("#/run/RUN", ".run-server"),
    ("#/notices", ".notice"),
    ("#/wall", ".wall-map"),
)


async def violations(page: Page) -> Any:
    # Evaluated by the debugger: the page's policy would not let a script element in.
    await page.evaluate(AXE)
    return await page.evaluate(RUN)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_axe_finds_nothing(visit: Visitor, scheme: str, width: int) -> None:
    fleet = varied()
    await attend(fleet)
    run = await act(fleet)
    await fleet.reactions.stop("a new kernel everywhere, back at 15:00", "ada")
    opened = await visit(fleet, width=width, color_scheme=scheme, reduced_motion="reduce")
    page = opened.page
    # High enough that no row is half behind the navigation at a phone's foot, which axe would
    # take for a target too small to hit.
    await page.set_viewport_size({"width": width, "height": 6000})
    for path, there in PLACES:
        await page.evaluate("(path) => { location.hash = path; }", path.replace("RUN", run))
        await expect(page.locator(there).first).to_be_visible()
        if path.startswith("#/silences?new"):
            await page.get_by_label("Only in a window").check()
        if path.startswith("#/run?"):
            await page.get_by_role("button", name="Preview").click()
            await expect(page.get_by_role("region", name="Preview")).to_be_visible()
        assert await violations(page) == [], path
    await page.evaluate("location.hash = '#/'")
    await expect(page.locator(".tile").first).to_be_visible()
    for key in ("?", "/", "`"):
        await page.keyboard.press(key)
        await expect(page.locator("dialog[open], .console:not([hidden])")).to_be_visible()
        if key == "/":
            await page.keyboard.type("web")
            await expect(page.locator(".palette-row").nth(3)).to_be_visible()
        assert await violations(page) == [], key
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog[open], .console:not([hidden])")).to_have_count(0)
