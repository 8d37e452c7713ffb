"""The fleet page: every server, on a map or in a list, filtered and in groups."""

import time

import pytest
from playwright.async_api import Locator, Page, expect

from outkept.model.silence import Silence
from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet, sensor, server, varied

pytestmark = pytest.mark.asyncio(loop_scope="session")


def small() -> Fleet:
    return Fleet(
        [
            server("a", "alpha.example.net", sensors=[sensor("load", 0.5), sensor("users", 2)]),
            server("b", "beta.example.net", addresses=["10.0.0.2", "10.9.9.9", "2001:db8::7"]),
            server("c", "gamma.example.net", labels={"site": "lisbon"}, addresses=["192.168.3.9"]),
        ]
    )


def rows(page: Page) -> Locator:
    return page.locator(".list-body .list-row")


async def test_the_map_has_a_cell_for_each_server_and_says_which(visit: Visitor) -> None:
    opened = await visit(varied(), "#/fleet")
    page = opened.page
    await expect(page.get_by_text("32 servers")).to_be_visible()
    box = page.get_by_role("listbox", name="Map of the servers")
    await box.hover(position={"x": 45, "y": 15})
    await expect(page.locator(".map-tip")).to_contain_text("build02.porto.example.net")
    await expect(page.locator(".map-tip")).to_contain_text("Alarmed")
    await expect(page.locator(".map-tip")).to_contain_text("disk[/] 98 %")
    await box.click(position={"x": 45, "y": 15})
    await expect(page.get_by_role("heading", level=1)).to_have_text("build02.porto.example.net")
    await opened.assert_no_complaints()


async def test_arrow_keys_walk_the_map_and_enter_opens(visit: Visitor) -> None:
    opened = await visit(small(), "#/fleet")
    page = opened.page
    await expect(page.get_by_text("3 servers")).to_be_visible()
    await page.get_by_role("listbox", name="Map of the servers").focus()
    await page.keyboard.press("ArrowRight")
    option = page.locator("#map-option")
    await expect(option).to_have_text("alpha.example.net, Normal")
    await page.keyboard.press("ArrowRight")
    await expect(option).to_have_text("beta.example.net, Normal")
    opened.fleet.change("b", status="alarmed")
    await expect(option).to_have_text("beta.example.net, Alarmed")
    await page.wait_for_function("() => location.hash.includes('sel=b')")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("beta.example.net")
    await page.go_back()
    await expect(page.locator("#map-option")).to_have_text("beta.example.net, Alarmed")


async def test_the_filter_understands_words_and_terms(visit: Visitor) -> None:
    fleet = small()
    fleet.change("a", status="alarmed", facts={"os": "Alpine Linux v3.20"})
    fleet.read("a", "users", status="failed", reason="empty output")
    opened = await visit(fleet, "#/fleet?view=list")
    page = opened.page
    search = page.get_by_role("searchbox")
    for text, names in (
        ("BETA", "beta"),
        ("10.9.9", "beta"),
        ("lisbon", "gamma"),
        ("users", "alpha"),
        ("site:lis", "gamma"),
        ("site=lisbon example", "gamma"),
        ("level:alarmed", "alpha"),
        ("level:failing", "alpha"),
        ("os:alpine", "alpha"),
        ("range:192.168.0.0/16", "gamma"),
        ("range:2001:db8::/64", "beta"),
        ("range:10.0.0.2-10.0.0.9", "beta"),
        ("sensor:load", "alpha"),
        ("-sensor:load -label:site", "beta"),
        ('os:"gnu/linux 12" -10.9.9.9', "gamma"),
    ):
        await search.fill(text)
        await expect(rows(page)).to_have_count(1)
        await expect(rows(page)).to_contain_text(names)
    await search.fill("nothing like it")
    await expect(page.get_by_text("No server matches")).to_be_visible()
    await search.press("Escape")
    await expect(rows(page)).to_have_count(3)
    await opened.assert_no_complaints()


async def test_the_address_carries_all_of_it(visit: Visitor) -> None:
    opened = await visit(varied(), "#/fleet")
    page = opened.page
    await page.get_by_role("searchbox").fill("site:porto")
    await page.get_by_role("button", name="Normal").click()
    await page.get_by_label("Group by").select_option("OS")
    await page.get_by_role("button", name="List").click()
    await page.wait_for_function("() => location.hash.includes('view=list')")
    await page.reload()
    await expect(page.get_by_role("searchbox")).to_have_value("site:porto")
    await expect(page.get_by_role("button", name="Normal")).to_have_attribute(
        "aria-pressed", "true"
    )
    await expect(page.get_by_label("Group by")).to_have_value("os")
    await expect(rows(page).first).to_contain_text("Alpine Linux v3.20")
    await page.go_back()
    await expect(page.get_by_role("listbox", name="Map of the servers")).to_be_visible()


async def test_groups_by_level_range_label_and_os(visit: Visitor) -> None:
    fleet = small()
    fleet.configured = ["10.0.0.0/8", "10.0.0.0/16"]
    fleet.change("a", status="alarmed")
    opened = await visit(fleet, "#/fleet")
    page = opened.page
    for choice, labels in (
        ("Level", ["Alarmed 1", "Normal 2"]),
        ("Range", ["10.0.0.0/16 2", "192.168.3.0/24 1"]),
        ("OS", ["Debian GNU/Linux 12 3"]),
        ("Label site", ["lisbon 1", "Without site 2"]),
    ):
        await page.get_by_label("Group by").select_option(choice)
        await expect(page.locator(".map-label")).to_have_text(labels)
    await page.get_by_role("button", name="lisbon 1").click()
    await expect(page.get_by_role("searchbox")).to_have_value("site=lisbon")
    await expect(page.get_by_text("1 of 3 servers")).to_be_visible()


async def test_more_groups_than_a_map_can_draw_are_all_in_the_list(visit: Visitor) -> None:
    fleet = Fleet(server(f"s{n}", f"s{n}.net", labels={"rack": f"r{n:03}"}) for n in range(310))
    opened = await visit(fleet, "#/fleet?group=label:rack")
    page = opened.page
    await expect(page.locator(".map-label")).to_have_count(300)
    await expect(page.get_by_text("The map shows the first 300 of 310 groups")).to_be_visible()
    await page.get_by_role("button", name="List").click()
    await expect(page.get_by_text("The map shows the first")).to_be_hidden()
    await expect(rows(page).first).to_be_visible()
    await page.keyboard.press("End")
    await expect(page.get_by_role("button", name="r309 1")).to_be_visible()
    await opened.assert_no_complaints()


async def test_rows_are_as_live_as_tiles(visit: Visitor) -> None:
    opened = await visit(small(), "#/fleet?view=list")
    page = opened.page
    await expect(rows(page).first).to_contain_text("alpha")
    opened.fleet.read("a", "load", value=23.0, status="alarmed")
    opened.fleet.change("c", status="alarmed")
    await expect(rows(page).first).to_contain_text("gamma")
    await expect(rows(page).first).to_contain_text("Alarmed")
    await expect(rows(page).filter(has_text="alpha")).to_contain_text("load 23")
    opened.fleet.put(server("d", "delta.example.net"))
    await expect(rows(page)).to_have_count(4)
    opened.fleet.remove("a")
    await expect(rows(page)).to_have_count(3)
    await page.get_by_role("button", name="Pin delta.example.net").click()
    await page.get_by_role("link", name="Overview").click()
    await expect(page.locator(".tile").filter(has_text="delta")).to_be_visible()


async def test_thousands_of_servers_are_all_there(visit: Visitor) -> None:
    opened = await visit(varied(2500), "#/fleet?view=list")
    page = opened.page
    await expect(page.get_by_text("2,500 servers")).to_be_visible()
    await expect(rows(page).first).to_be_visible()
    assert await rows(page).count() < 60
    await expect(rows(page).filter(has_text="web417")).to_have_count(0)
    await page.keyboard.press("End")
    await expect(rows(page).filter(has_text="web417")).to_be_visible()
    await page.get_by_role("button", name="Map").click()
    await page.get_by_role("listbox").focus()
    await page.keyboard.press("End")
    await expect(page.locator("#map-option")).to_contain_text("web417")
    await page.get_by_role("searchbox").fill("db07.porto")
    await expect(page.get_by_text("1 of 2,500 servers")).to_be_visible()
    await opened.assert_no_complaints()


WHOLE = """async () => {
  const { isLarge, readSnapshot } = await import("/assets/snapshot.js");
  const nasty = ['},{"id":"', '"servers":[', ']}', '\\\\', '"', '\\u2028'];
  const servers = Array.from({ length: 6000 }, (_, n) => ({
    id: `s${n}`, hostname: nasty[n % nasty.length].repeat(3),
    nested: [{ id: "inner" }, { id: `inner${n}` }], sensors: [],
  }));
  const text = JSON.stringify({ type: "snapshot", seq: 7, now: 1.5, servers });
  const read = [];
  const frame = await readSnapshot(text, (one) => read.push(one), () => false);
  const broken = await readSnapshot(text.slice(0, 300000) + "]}", () => {}, () => false)
    .then(() => "read", (error) => error.name);
  return [isLarge(text), frame.seq, JSON.stringify(read) === JSON.stringify(servers), broken];
}"""


async def test_a_large_snapshot_is_read_in_pieces_and_is_whole(visit: Visitor) -> None:
    opened = await visit(Fleet())
    assert await opened.page.evaluate(WHOLE) == [True, 7, True, "SyntaxError"]


def silenced(server: str, sensor: str = "*") -> Silence:
    now = time.time()
    return Silence(now - 60, now + 3600, "new kernel", "ada", server, sensor)


async def test_what_is_silenced_is_marked_and_counted_apart(visit: Visitor) -> None:
    fleet = small()
    fleet.read("a", "load", value=23.0, status="alarmed")
    fleet.read("a", "users", value=90.0, status="warned")
    fleet.change("a", status="alarmed")
    opened = await visit(fleet, "#/fleet?view=list")
    page = opened.page
    alpha = rows(page).filter(has_text="alpha")
    await expect(alpha.locator(".list-most")).to_contain_text("load 23")
    await expect(page.get_by_role("button", name="Silenced 0")).to_be_visible()
    made = await fleet.desk.add_silence(silenced("alpha*", "load"))
    # What nobody is told of doesn't hide what is still told.
    await expect(alpha.locator(".list-most")).to_contain_text("users 90")
    await expect(alpha.locator(".list-level")).to_have_text("Alarmed")
    await fleet.desk.add_silence(silenced("alpha*", "users"))
    await expect(alpha.locator(".list-level")).to_have_text("Alarmed Silenced")
    await page.get_by_role("button", name="Silenced 1").click()
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("button", name="Map", exact=True).click()
    await page.get_by_role("listbox", name="Map of the servers").focus()
    await page.keyboard.press("ArrowRight")
    option = page.locator("#map-option")
    await expect(option).to_have_text("alpha.example.net, Alarmed, silenced, load 23, users 90")
    await expect(page.locator(".map-tip")).to_contain_text("Silenced")
    await fleet.desk.end_silence(made["id"], "ada")
    await expect(page.get_by_role("button", name="Silenced 0")).to_be_visible()
    await opened.assert_no_complaints()


async def test_a_silenced_cell_of_the_map_is_drawn_otherwise(visit: Visitor) -> None:
    fleet = small()
    fleet.change("b", status="alarmed")
    opened = await visit(fleet, "#/fleet")
    page = opened.page
    await expect(page.get_by_text("3 servers")).to_be_visible()
    before = await page.locator("canvas").evaluate("(canvas) => canvas.toDataURL()")
    await fleet.desk.add_silence(silenced("beta*"))
    await page.wait_for_function(
        "(before) => document.querySelector('canvas').toDataURL() !== before", arg=before
    )
