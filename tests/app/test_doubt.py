"""Nothing is sent where it might reach another machine than the one that the reading is of."""

from dataclasses import replace
from pathlib import Path

import pytest

from outkept.model.server import Endpoint
from tests.app.reacting import held, once_intended, yard

pytestmark = pytest.mark.usefixtures("soon")


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("trust", "is not the one that is trusted there now"),
        ("key", "is not the one that the server was seen with last"),
        ("address", "is another server's address by now"),
        ("quarantine", "the server is quarantined: another key"),
    ],
)
async def test_doubt_about_the_server_holds_it(tmp_path: Path, what: str, why: str) -> None:
    async with yard(tmp_path) as one:
        live = one.server(0)
        record = live.record
        if what == "trust":
            one.trust.keys = False
        elif what == "key":
            identity = replace(record.identity, host_key="ssh-ed25519 SHA256:b")
            one.context.fleet.put(replace(record, identity=identity))
        elif what == "address":
            one.context.fleet.put(replace(record, endpoints=()))
            one.context.fleet.put(replace(record, id="other"))
        else:
            one.context.fleet.put(replace(record, quarantine="another key"))
        one.read("s0", 11)
        await one.told_of(why)
        assert one.sent() == []


async def test_doubt_that_comes_between_intent_and_send_bars_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:

        async def distrusted() -> None:
            one.trust.keys = False

        once_intended(one, monkeypatch, distrusted)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not sent: the host key at 10.0.0.1 is not the one that is trusted")
        one.read("s0", 12)
        await one.told_of("held: the host key at 10.0.0.1 is not the one that is trusted there now")
        assert one.sent() == []
        assert [action.outcome.value for action in await one.actions()] == ["not sent"]


async def test_a_server_that_moved_in_mid_incident_is_not_reacted_on(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.blind = "we may be blind to all servers"
        await held(one, "held: we may be blind")
        live = one.live("s0")
        elsewhere = Endpoint("10.9.9.9")
        one.context.fleet.put(replace(live.record, endpoints=(elsewhere,)))
        one.connect("s0", elsewhere)
        one.read("s0", 12)
        one.blind = ""
        await one.told_of("held: it is at 10.9.9.9 now, and was at 10.0.0.1 before")
        assert one.sent() == []


async def test_a_server_that_moves_between_intent_and_send_is_not_reacted_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:
        elsewhere = Endpoint("10.9.9.9")

        async def moved() -> None:
            one.context.fleet.put(replace(one.live("s0").record, endpoints=(elsewhere,)))
            one.connect("s0", elsewhere)
            one.read("s0", 12)

        once_intended(one, monkeypatch, moved)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not sent: it is at 10.9.9.9 now, and was at 10.0.0.1 before")
        assert one.sent() == []


async def test_what_was_not_sent_for_a_lost_connection_is_sent_over_the_next(
    tmp_path: Path,
) -> None:
    async with yard(tmp_path) as one:
        one.server(0)
        one.wires["s0"].lost = "gone"
        one.read("s0", 11)
        again = one.connect("s0")
        await one.until(lambda: one.context.watched, "it waits")
        assert again.sent == []
        one.read("s0", 12)
        await one.told_of("ran `pump`")
        assert len(again.sent) == 1
