"""A fleet whose every field is written by an attacker."""

import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import expect

from outkept.model.notice import Delivery, Urgency
from outkept.model.silence import Silence
from outkept.notify.carrier import TargetState
from outkept.serve.control import Wanted
from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet, sensor, server, sweep

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARKUP = (
    "<img src=x onerror=window.hacked=1>",
    '"><script>window.hacked=1</script>',
    "'onmouseover='window.hacked=1' x='",
    "javascript:window.hacked=1",
    "{{constructor.constructor('window.hacked=1')()}}",
    "</style><style>*{display:none}</style>",
    "<svg/onload=window.hacked=1>",
    "\u202egro.elpmaxe\u202c\u2066evil\u2069",
    "\x1b[31m\x00\x07bell\x7f",
    "W" * 3000,
    "long words " * 400,
    "__proto__",
    "constructor",
    "é\ud800lone",
)

TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("main *, header *")]
    .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
    .map((node) => `${node.tagName}.${node.className} in ${node.parentElement.tagName}`)"""


def hostile() -> Fleet:
    fleet = Fleet(_server(index, text) for index, text in enumerate(MARKUP))
    for index, text in enumerate(MARKUP):
        fleet.tell("alarmed", text, server=f"id{index}", sensor=text, value=text)
        fleet.tell(text, text, server=text)
        fleet.swept.append(sweep(f"s{index}", text, done=10 * index))
        fleet.acted.append(_action(index, text))
    return fleet


async def _deal_with(fleet: Fleet) -> None:
    """Incidents taken on, and servers silenced, by people called so, with such words."""
    now = time.time()
    ids = [event["id"] for event in fleet.log if event["type"] == "alarmed"]
    for index, text in enumerate(MARKUP):
        await fleet.desk.acknowledge(ids[index], text, text)
        await fleet.desk.note(ids[index], text, text)
        silence = Silence(now, now + 900, text, text, f"id{index}", "*", {}, None)
        await fleet.desk.add_silence(silence)
        silence = Silence(now, now + 900, text, text, text, text, {text: text}, None)
        await fleet.desk.add_silence(silence)


async def _react_and_tell(fleet: Fleet) -> list[str]:
    """Reactions, runs by hand and notices of servers, people and commands that say such things;
    the ids of the runs."""
    now = time.time()
    made, runs = fleet.reactions, []
    made.latches = []
    fleet.notices.states, fleet.notices.kept = [], []
    for index, text in enumerate(MARKUP):
        about = {"server": f"id{index}", "hostname": text, "sensor": text, "instance": text}
        made.latches.append(about | {"at": now, "reason": text})
        made.running.append(about | {"step": 1, "since": now, "by": text})
        made.held.append(about | {"guard": text})
        made.rules.append({"mode": "on", "sensors": [text], "match": {"labels": {text: text}}})
        fleet.notices.states.append(TargetState(text, text, now, text, 1, now, now))
        notice = Delivery(text, now, text, text, text, Urgency.ALARM, (1,), error=text, id=index)
        fleet.notices.kept.append(replace(notice, attempts=2))
        wanted = Wanted(text, text, 1, [f"id{index}"], text)
        runs.append((await fleet.control.start(wanted, text))["id"])
        fleet.control.hear(f"id{index}", text.encode("utf-8", "replace").decode())
        fleet.control.end(f"id{index}", 1)
    await made.stop(MARKUP[0] + MARKUP[7] + MARKUP[9], MARKUP[2])
    return runs


def _server(index: int, text: str) -> dict[str, Any]:
    series = [
        sensor(text, text, text, instance=text, status="failed", reason=text),
        sensor(f"n{text}", 12.5, text, description=text, warning=10, alarm=20),
        sensor("odd", 1.5, "%", status=text),
    ]
    channels = {"limit": text, "busy": text, "queued": text, "oldest_wait_s": 1, "queued_up": text}
    return server(
        f"id{index}",
        text,
        addresses=[text, text],
        status="alarmed" if index % 2 else text,
        queued_up=True,
        channels=channels,
        sensors=series,
        reason=text,
        facts={"os": text, "kernel": text, "addresses": [text], text: text},
        labels={text: text},
        identity={"host_key": text, "machine_id": text, "macs": [text]},
        unsupported={text: text},
    )


def _action(index: int, text: str) -> dict[str, Any]:
    return {
        "id": index,
        "at": 1.0,
        "server": f"id{index}",
        "sensor": text,
        "instance": text,
        "command": text,
        "outcome": text,
        "reason": text,
        "status": None,
        "output": text,
        "finished_at": None,
        "incident": None,
        "step": 1,
        "by": "",
    }


async def test_no_field_becomes_markup_on_any_page(visit: Visitor) -> None:
    opened = await visit(hostile(), width=390)
    page = opened.page
    await expect(page.locator(".tile")).to_have_count(len(MARKUP))
    await expect(page.locator(".aside .event")).to_have_count(2 * len(MARKUP))
    await _assert_harmless(opened)
    for path, there in (
        ("/fleet?group=os", ".map-label"),
        ("/fleet?view=list&group=range", ".list-body .list-row"),
        ("/wall", ".wall-map"),
    ):
        await page.evaluate("(path) => { location.hash = path; }", path)
        await expect(page.locator(there).first).to_be_visible()
        await _assert_harmless(opened)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    await page.keyboard.press("/")
    await expect(page.get_by_role("combobox", name="Search")).to_be_focused()
    await page.keyboard.type("o")
    await expect(page.locator(".palette-row").nth(5)).to_be_visible()
    await _assert_harmless(opened)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("`")
    await expect(page.get_by_label("Command")).to_be_focused()
    await page.keyboard.type("alarms")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log")).to_contain_text("javascript:window.hacked=1")
    await page.keyboard.type("open ")
    await page.keyboard.press("Tab")
    await _assert_harmless(opened)
    await page.keyboard.press("Escape")
    for index in range(len(MARKUP)):
        await page.evaluate(
            "(id) => { location.hash = `#/server/${encodeURIComponent(id)}`; }",
            f"id{index}",
        )
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.locator(".sensor")).to_have_count(3)
        await expect(page.locator(".action")).to_have_count(1)
        await _assert_harmless(opened)


async def test_no_word_of_people_becomes_markup(visit: Visitor) -> None:
    fleet = hostile()
    await _deal_with(fleet)
    opened = await visit(fleet, "#/incidents", width=390)
    page = opened.page
    await expect(page.locator(".incident")).to_have_count(len(MARKUP))
    await _assert_harmless(opened)
    await page.evaluate("location.hash = '#/silences'")
    await expect(page.locator(".silence")).to_have_count(2 * len(MARKUP))
    await page.locator(".silence summary").first.click()
    await expect(page.locator(".silence-reached").first).not_to_be_empty()
    await _assert_harmless(opened)
    for index, text in enumerate(MARKUP):
        about = {"new": "yes", "server": text, "sensor": text, "labels": text, "reason": text}
        await page.evaluate("(path) => { location.hash = path; }", f"#/silences?{_query(about)}")
        await expect(page.get_by_role("form", name="New silence")).to_be_visible()
        await _assert_harmless(opened)
        await page.evaluate("(id) => { location.hash = `#/incidents/${id}`; }", 2 * index + 1)
        await expect(page.locator(".step")).to_have_count(4)
        await expect(page.locator(".desk-who strong")).not_to_be_empty()
        await _assert_harmless(opened)
        await page.evaluate("(id) => { location.hash = `#/server/id${id}`; }", index)
        await expect(page.locator(".server-silence")).to_be_visible()
        await _assert_harmless(opened)


async def test_no_word_of_reactions_runs_and_notices_becomes_markup(visit: Visitor) -> None:
    fleet = hostile()
    runs = await _react_and_tell(fleet)
    opened = await visit(fleet, "#/reactions", width=390)
    page = opened.page
    await expect(page.locator("#stopped")).to_contain_text("window.hacked=1")
    for there in (".latch", ".action", ".rule", ".running-item", ".run"):
        await expect(page.locator(there).first).to_be_visible()
    await _assert_harmless(opened)
    await page.evaluate("location.hash = '#/notices'")
    await expect(page.locator(".notice")).to_have_count(len(MARKUP))
    await expect(page.locator(".target")).to_have_count(len(MARKUP))
    await page.locator(".notice summary").first.click()
    await _assert_harmless(opened)
    for index, text in enumerate(MARKUP):
        await page.evaluate("(id) => { location.hash = `#/run/${id}`; }", runs[index])
        await expect(page.locator(".output-text")).not_to_be_empty()
        await _assert_harmless(opened)
        about = {"server": f"id{index}", "sensor": text, "instance": text}
        await page.evaluate("(path) => { location.hash = path; }", f"#/run?{_query(about)}")
        await page.get_by_role("button", name="Preview").click()
        # What is too long for a name is refused, and said to be.
        await expect(page.locator(".prospect, .form .answer:not(:empty)")).to_have_count(1)
        await _assert_harmless(opened)


def _query(values: dict[str, str]) -> str:
    return urlencode(values, errors="replace")


async def _assert_harmless(opened: Any) -> None:
    page = opened.page
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("img").count() == 1
    assert await page.locator("script").count() == 2
    text = await page.locator("body").inner_text()
    assert not set(text) & set("\u202e\u202c\u2066\u2069\x1b\x00\x07\x7f")
    assert await page.evaluate(TOO_WIDE) == []
    assert await page.evaluate("window.complaints") == []
    refused = ("404", "422")
    assert [one for one in opened.errors if not any(code in one for code in refused)] == []


async def test_markup_is_shown_as_the_text_it_is(visit: Visitor) -> None:
    opened = await visit(hostile())
    await expect(opened.page.get_by_role("link", name=MARKUP[0]).first).to_be_visible()


@pytest.mark.parametrize(
    "path", ["%3Cimg%20src=x%20onerror=window.hacked=1%3E", "%E0%A4%A", "..%2F"]
)
async def test_an_address_with_markup_is_just_an_unknown_server(visit: Visitor, path: str) -> None:
    opened = await visit(Fleet(), f"#/server/{path}")
    await expect(opened.page.get_by_role("alert")).to_contain_text("can't be shown")
    await _assert_harmless(opened)


async def test_the_policy_stops_scripts_even_if_one_got_in(visit: Visitor) -> None:
    opened = await visit(Fleet())
    stopped = await opened.page.evaluate(
        """() => {
          try { document.body.innerHTML = "<img src=x onerror=window.hacked=1>"; return false; }
          catch (error) { return error instanceof TypeError; }
        }"""
    )
    assert stopped
    assert await opened.page.evaluate("window.hacked") is None
