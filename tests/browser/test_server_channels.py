"""What a server's page says of its connection, its channels, and why it is queued up."""

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from outkept.serve.source import Json
from tests.browser.conftest import Visitor
from tests.serve.fleet import QUEUED_UP, Fleet, sensor, server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = "#/server/a"
CAUSE = QUEUED_UP.partition(":")[0]


def use(name: str, took: float, **more: Any) -> Json:
    defaults = {"every": 10.0, "waited_s": 0.0, "missed": 0, "load": took / 10}
    return {"sensor": name, "took_s": took} | defaults | more


USES = [
    use("load", 14.0, waited_s=11.0, missed=20),
    use("mysql", 10.0, waited_s=9.0),
    *(use(f"quick{number}", 0.02) for number in range(7)),
]
DETAIL = {
    "round_trip_s": 0.0123,
    "shells": 1,
    "no_shell": "",
    "login_shell": "bash",
    "alone": ["mysql"],
    "why_alone": {"mysql": "cost a shell: no answer within 2 s"},
    "need": 0.03,
    "use": USES,
    "cure": None,
}


def one(**channels: Any) -> Fleet:
    fleet = Fleet([server("a", "alpha.example.net", sensors=[sensor("load", 2.5)])])
    fleet.by_id["a"]["channels"] |= DETAIL | channels
    return fleet


def queue_up(fleet: Fleet) -> None:
    more = {
        "limit": 2,
        "busy": 2,
        "queued": 7,
        "oldest_wait_s": 14.2,
        "queued_up": QUEUED_UP,
        "need": 3.4,
        "cure": {
            "cause": CAUSE,
            "interval_s": 17,
            "channels": 4,
            "setting": "set MaxSessions to 4",
        },
    }
    fleet.change("a", queued_up=True, channels=fleet.by_id["a"]["channels"] | more)


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


async def test_the_connection_is_told_whole(visit: Visitor) -> None:
    opened = await visit(one(missed=3, refused=2), PAGE)
    connection = panel(opened.page, "Connection")
    for words in (
        "Logged in asoutkept",
        "Round trip12.3 ms",
        "Channels1 of 8 busy",
        "Missed ticks3",
        "Refused opens2",
        "Commands runtogether, in 1 shell",
        "Login shellbash",
        "mysqlcost a shell: no answer within 2 s",
    ):
        await expect(connection).to_contain_text(words)
    await opened.assert_no_complaints()


async def test_without_a_shell_it_says_why_each_command_goes_by_itself(visit: Visitor) -> None:
    opened = await visit(one(shells=0, no_shell="the shell has ended"), PAGE)
    await expect(panel(opened.page, "Connection")).to_contain_text(
        "each by itself: no shell, the shell has ended"
    )


async def test_channel_time_is_folded_away_while_there_is_enough(visit: Visitor) -> None:
    opened = await visit(one(), PAGE)
    summary = panel(opened.page, "Connection").get_by_role("heading", name="Channel time")
    await expect(summary).to_be_visible()
    uses = opened.page.get_by_role("list", name="Sensors by the channel time they take")
    await expect(uses).to_be_hidden()
    await summary.click()
    await expect(uses.get_by_role("listitem").first).to_contain_text("140 % of a channel")
    await expect(uses.get_by_role("listitem")).to_have_count(6)
    await opened.page.get_by_role("button", name="Show all 9").click()
    await expect(uses.get_by_role("listitem")).to_have_count(9)


async def test_queued_up_is_explained_with_cause_and_cure(visit: Visitor) -> None:
    opened = await visit(one(), PAGE)
    await expect(opened.page.get_by_role("heading", name="Channel time")).to_be_visible()
    queue_up(opened.fleet)
    told = opened.page.locator(".prominent")
    await expect(told.get_by_role("heading", name="Queued up")).to_be_visible()
    for words in (
        CAUSE,
        "3.4 channels are needed, 2 are there",
        "Read these sensors less often: every 17 s or longer",
        "Or have 4 channels: set MaxSessions to 4",
    ):
        await expect(told.get_by_text(words)).to_be_visible()
    first = told.locator(".use").first
    await expect(first).to_contain_text("load")
    await expect(first).to_contain_text("14 s every 10 s · waits 11 s · 20 missed")
    connection = panel(opened.page, "Connection")
    await expect(connection).to_contain_text("2 of 2 busy")
    await expect(connection).to_contain_text("Waiting7")
    await expect(connection).to_contain_text("Longest wait14 s")
    opened.fleet.change("a", queued_up=False, channels=one().by_id["a"]["channels"])
    await expect(told.get_by_role("heading", name="Queued up")).to_be_hidden()
    await expect(connection.get_by_role("heading", name="Channel time")).to_be_visible()
    await opened.assert_no_complaints()
