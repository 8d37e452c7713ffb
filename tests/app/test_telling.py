"""From an event to a notice that arrives: real receivers on loopback, a real store, real kills."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from outkept.app import deciding, telling
from outkept.model.event import Condition, Event, EventType
from outkept.model.silence import Silence
from outkept.notify.queue import Retries
from outkept.store.errors import StoreError
from outkept.store.outbox import Outbox
from outkept.store.store import Store
from tests.app.harness import Daemon, Json, Site, until
from tests.app.test_reactions import Pump
from tests.notify.receivers import Mailbox, Webhook, alertmanager, mailbox, webhook
from tests.servers import machine
from tests.store import values

NOW = {"group_wait": "0s", "group_interval": "1s"}


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as found:
        yield found


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as found:
        yield found


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "Retries", partial(Retries, first=0.2, longest=0.5))


def notify(targets: Json, **route: Any) -> Json:
    """A `notify` section that tells all targets at once."""
    return {"targets": targets, "routes": [NOW | {"to": list(targets)} | route]}


def happen(daemon: Daemon, type_: str, message: str, **more: Any) -> None:
    """An event of a sensor on a server that isn't there."""
    about = {"server": "0123456789ab", "sensor": "disk[/var]"} | more
    event = Event(time.time(), EventType(type_), message, **about)
    assert daemon.source._context.herald.announce(event)


async def all_sent(daemon: Daemon) -> bool:
    """Whether no notice waits, and none was given up."""
    items, _ = await daemon.source.notices.page(1000, None, target=None, state=None)
    return {item["state"] for item in items} == {"sent"}


def target(daemon: Daemon, name: str) -> Json:
    return next(one for one in daemon.source.notices.targets() if one["name"] == name)


async def test_an_alarm_on_a_real_server_and_its_end_are_mailed(
    site: Site, yard: Path, box: Mailbox
) -> None:
    pump = Pump(yard)
    pump.set(1)
    site.sensors.append(pump.sensor | {"unit": "m"})
    section = notify({"ops": {"url": box.url}}) | {"link": "https://outkept.example.org"}
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon(notify=section) as daemon:
            await daemon.until(lambda: daemon.value("web1", "depth") == 1, "it is read")
            pump.set(11)
            await daemon.until(lambda: box.mails, "the alarm is mailed")
            pump.set(1)
            await daemon.until(lambda: len(box.mails) > 1, "its end is mailed")
            incident = (await daemon.events("alarmed"))[0]["id"]
    assert box.subjects[0] == "ALARM web1: depth is 11 m >= 10"
    assert box.subjects[1].startswith("OK web1: depth is ")
    body = box.mails[0].get_body(("plain", "html"))
    assert body is not None
    assert f"https://outkept.example.org/#/incidents/{incident}" in body.get_content()


async def test_a_reaction_that_mends_nothing_is_told_to_the_next_step_at_once(
    site: Site, yard: Path, hook: Webhook, box: Mailbox
) -> None:
    pump = Pump(yard)
    pump.set(1)
    site.sensors.append(pump.sensor)
    section = notify({"ops": {"url": hook.url}}, steps=[{"after": "1d", "to": ["boss"]}])
    section["targets"]["boss"] = {"url": box.url}
    reactions = {"mode": "on", "mended_within": "1s"}
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon(notify=section, reactions=reactions) as daemon:
            await daemon.until(lambda: daemon.value("web1", "depth") == 1, "it is read")
            pump.set(11)
            await daemon.until(lambda: box.mails, "the next step is told")
            await daemon.until(lambda: len(hook.posts) > 1, "and so are those who knew")
            pump.set(1)
            await daemon.until(lambda: len(box.mails) > 1, "both hear of the end")
            await daemon.until(lambda: len(hook.posts) > 2, "both hear of the end")
    assert pump.runs == 1
    assert [title.partition(" web1")[0] for title in hook.titles] == [
        "ALARM",
        "NOT MENDED ALARM",
        "OK",
    ]
    assert [subject.partition(" web1")[0] for subject in box.subjects] == ["ESCALATED ALARM", "OK"]
    assert "not mended within 1s" in hook.posts[1]["message"]


async def test_what_happens_together_is_one_notice_and_is_told_once(
    site: Site, hook: Webhook
) -> None:
    section = notify({"ops": {"url": hook.url}}, group_wait="3s")
    async with site.daemon(notify=section) as daemon:
        for number in range(3):
            text = f"web{number}: load is 9 >= 8 (alarmed)"
            happen(daemon, "alarmed", text, server=f"00000000000{number}", sensor="load")
        await daemon.until(lambda: hook.posts, "it is told")
        happen(daemon, "recovered", "web1: load is back", server="000000000001", sensor="load")
        await daemon.until(lambda: len(hook.posts) > 1, "the end is told")
        await daemon.until(lambda: all_sent(daemon), "it is written down")
    assert hook.titles[0].startswith("3 ALARM: ")
    assert hook.posts[0]["message"].count("ALARM web") == 3
    assert hook.posts[0]["type"] == "failure"
    assert hook.titles[1:] == ["OK web1: load is back"]


async def test_a_target_that_is_down_delays_nobody_and_is_served_when_it_is_back(
    site: Site, hook: Webhook
) -> None:
    with webhook() as down:
        section = notify({"ops": {"url": hook.url}, "down": {"url": down.url}})
    async with site.daemon(notify=section) as daemon:
        happen(daemon, "alarmed", "web1: disk[/var] is 97 % >= 95 (alarmed)")
        await daemon.until(lambda: hook.posts, "the other target is told")
        await daemon.until(
            lambda: daemon.events("message", q="notices to down fail"), "the failure is told"
        )
        state = target(daemon, "down")
        assert (state["state"], state["queued"]) == ("failing", 1)
        assert state["failing_since"] <= time.time()
        happen(daemon, "recovered", "web1: disk[/var] is 40 %")
        await daemon.until(lambda: target(daemon, "down")["queued"] == 2, "the end waits behind")
        with webhook(down.port) as up:
            await daemon.until(lambda: len(up.posts) == 2, "both arrive, in order")
            assert [title.split()[0] for title in up.titles] == ["ALARM", "OK"]
            await daemon.until(
                lambda: daemon.events("message", q="notices to down arrive again"), "it is told"
            )
        assert target(daemon, "down")["state"] == "ok"
        told = [event["message"] for event in await daemon.events()]
        assert not any("t0psecret" in text or "127.0.0.1" in text for text in told)
    assert len(hook.posts) == 2


async def test_a_notice_survives_kill_9_between_decision_and_delivery(
    site: Site, yard: Path, hook: Webhook
) -> None:
    pump = Pump(yard)
    pump.set(11)
    site.sensors.append(pump.sensor)
    section = notify({"ops": {"url": hook.url}})
    hook.hangs = True
    with machine("web1", addresses=[site.address(1)], port=site.port):
        with site.process(notify=section) as first:
            await first.until(lambda: hook.taken, "it is being sent")
            first.kill()
        hook.hangs = False
        hook.let_go.set()
        with site.process(notify=section) as second:
            await second.until(lambda: hook.posts, "it arrives all the same")
            pump.set(1)
            await second.until(lambda: len(hook.posts) > 1, "and so does its end")
            assert "t0psecret" not in second.log
    assert [title.split()[0] for title in hook.titles] == ["ALARM", "OK"]


async def test_what_ended_while_the_daemon_was_down_is_told_to_those_who_knew(
    site: Site, hook: Webhook
) -> None:
    section = notify({"ops": {"url": hook.url}})
    store = Store.open(site.state)
    known = replace(values.server("a"), endpoints=(), labels={}, supported=("one",))
    store.save_server(known)
    await store.close()
    one = {"server": "a", "sensor": "one"}
    async with site.daemon(notify=section) as daemon:
        happen(daemon, "alarmed", "web1: it is bad", **one)
        await daemon.until(lambda: hook.posts, "it is told")
    async with site.daemon() as daemon:
        # Without targets nobody is told, but everything is written down.
        happen(daemon, "recovered", "web1: it is good again", **one)
        await daemon.until(lambda: daemon.events("recovered"), "it is over")
    async with site.daemon(notify=section) as daemon:
        await daemon.until(lambda: len(hook.posts) > 1, "the end is told")
    assert hook.titles == ["ALARM web1: it is bad", "OK web1: it is good again"]


async def test_what_was_told_of_a_server_that_nobody_knows_is_over_at_the_next_start(
    site: Site, hook: Webhook
) -> None:
    section = notify({"ops": {"url": hook.url}})
    async with site.daemon(notify=section) as daemon:
        happen(daemon, "alarmed", "web1: it is bad")
        await daemon.until(lambda: hook.posts, "it is told")
    async with site.daemon(notify=section) as daemon:
        await daemon.until(lambda: len(hook.posts) > 1, "the end is told")
    assert hook.titles[1] == "OK 0123456789ab removed: it is not known any more"


async def test_what_is_silenced_or_behind_a_server_that_is_gone_waits(
    site: Site, hook: Webhook
) -> None:
    section = notify({"ops": {"url": hook.url}})
    async with site.daemon(notify=section) as daemon:
        desk = daemon.source._context.desk
        now = time.time()
        silence = await desk.add_silence(Silence(now, now + 3600, "work", "me", sensor="disk"))
        happen(daemon, "alarmed", "web1: disk is full")
        gone: Json = {"sensor": None, "condition": Condition.GONE, "server": "000000000002"}
        happen(daemon, "gone", "web2: it is gone", **gone)
        happen(daemon, "alarmed", "web2: load is high", server="000000000002", sensor="load")
        await daemon.until(lambda: hook.posts, "what isn't held is told")
        assert hook.titles == ["ALARM web2: it is gone"]
        await desk.end_silence(silence.id, "me")
        await daemon.until(lambda: len(hook.posts) > 1, "the silence is over")
        assert hook.titles[1:] == ["ALARM web1: disk is full"]
        happen(daemon, "recovered", "web2: it is back", **gone)
        await daemon.until(lambda: len(hook.posts) > 2, "the server is back")
        told = "".join(post["title"] + post["message"] for post in hook.posts[2:])
        await daemon.until(lambda: "load is high" in _all(hook), "and so is its alarm")
        assert "OK web2: it is back" in told


def _all(hook: Webhook) -> str:
    return "".join(post["title"] + post["message"] for post in hook.posts)


async def test_an_alertmanager_is_told_reminded_and_told_of_the_end(
    site: Site, hook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "RESEND_S", 0.3)
    with alertmanager(tmp_path / "am", f"http://127.0.0.1:{hook.port}/") as am:
        section = notify({"am": {"alertmanager": am.url}}) | {"link": "http://outkept.example.org"}
        async with site.daemon(notify=section) as daemon:
            happen(daemon, "warned", "web1: disk[/var] is 91 % >= 90 (warned)")
            await daemon.until(lambda: _severities(am.alerts()) == ["warning"], "it is there")
            first = am.alerts()[0]
            assert first["labels"]["alertname"] == "disk"
            assert first["labels"]["sensor"] == "disk[/var]"
            assert first["generatorURL"].startswith("http://outkept.example.org/#/incidents/")
            await daemon.until(
                lambda: am.alerts()[0]["endsAt"] > first["endsAt"], "it is sent again"
            )
            happen(daemon, "alarmed", "web1: disk[/var] is 97 % >= 95 (alarmed)")
            await daemon.until(lambda: _severities(am.alerts()) == ["critical"], "it is worse")
            await daemon.until(lambda: "firing" in _statuses(hook), "somebody is told")
            happen(daemon, "recovered", "web1: disk[/var] is 40 %")
            await daemon.until(lambda: not am.alerts(), "it is over")
            await daemon.until(lambda: "resolved" in _statuses(hook), "they hear of the end")
            assert await daemon.source.notices.test("am") == ""
            await daemon.until(lambda: _severities(am.alerts()) == ["none"], "a test arrives")


def _statuses(hook: Webhook) -> list[str]:
    return [
        alert["status"]
        for post in hook.posts
        for alert in post["alerts"]
        if alert["labels"]["severity"] == "critical"
    ]


def _severities(alerts: list[Json]) -> list[str]:
    return [alert["labels"]["severity"] for alert in alerts]


HOSTILE = (
    "web1\r\nBcc: x@y\x1b[2J \u202egnp <script>alert(1)</script> <!channel> @everyone [a](http://b)"
)


async def test_what_a_server_calls_itself_does_nothing_in_any_channel(
    site: Site, hook: Webhook, box: Mailbox, tmp_path: Path
) -> None:
    with alertmanager(tmp_path / "am", f"http://127.0.0.1:{hook.port}/am") as am:
        targets = {
            "hook": {"url": hook.url},
            "mail": {"url": box.url},
            "am": {"alertmanager": am.url},
        }
        async with site.daemon(notify=notify(targets)) as daemon:
            happen(daemon, "alarmed", f"{HOSTILE}: disk is full", sensor="disk[\x1b@here]")
            await daemon.until(lambda: hook.posts and box.mails and am.alerts(), "all are told")
            await daemon.until(lambda: all_sent(daemon), "it is written down")
    (mail,) = box.mails
    assert mail["bcc"] is None
    html = mail.get_body(("html", "plain"))
    assert html is not None
    told = next(post for post in hook.posts if "title" in post)
    said = [told["title"], told["message"], str(mail["subject"]), html.get_content()]
    for text in said:
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "@everyone" not in text
        assert "<script" not in text
        assert "<!channel" not in text
        assert "](http" not in text
    assert "\n" not in told["title"]


async def test_what_can_t_be_written_down_is_not_sent_but_not_lost_either(
    site: Site, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "WRITE_AGAIN_S", 0.05)
    full, tries, put = True, 0, Outbox.put

    async def on_a_full_disk(self: Outbox, *more: Any) -> Any:
        nonlocal tries
        tries += 1
        if full:
            raise StoreError("the disk is full")
        return await put(self, *more)

    monkeypatch.setattr(Outbox, "put", on_a_full_disk)
    async with site.daemon(notify=notify({"ops": {"url": hook.url}})) as daemon:
        happen(daemon, "alarmed", "web1: disk is full")
        await daemon.until(lambda: tries > 2, "it is tried")
        assert not hook.posts
        full = False
        await daemon.until(lambda: hook.posts, "it is told")
    assert len(hook.posts) == 1


async def test_a_target_that_hangs_is_cut_off_and_another_is_not_held_up(
    site: Site, hook: Webhook
) -> None:
    with webhook() as stuck:
        stuck.hangs = True
        slow = stuck.url + "?rto=60"
        section = notify({"stuck": {"url": slow}, "ops": {"url": hook.url}}) | {"timeout": "1s"}
        async with site.daemon(notify=section) as daemon:
            happen(daemon, "alarmed", "web1: disk is full")
            await daemon.until(lambda: hook.posts, "the other is told")
            await daemon.until(lambda: target(daemon, "stuck")["error"], "it is cut off")
            assert "did not end within 1s" in target(daemon, "stuck")["error"]
            await daemon.until(
                lambda: "hangs" in target(daemon, "stuck")["error"], "no second thread is begun"
            )
            stuck.hangs = False
            stuck.let_go.set()
            await daemon.until(lambda: stuck.posts, "once it is back, it is told")


async def test_thousands_of_incidents_at_once_are_one_notice_and_hold_nothing_up(
    site: Site, hook: Webhook
) -> None:
    section = notify({"ops": {"url": hook.url}}, group_wait="2s", group_interval="1m")
    async with site.daemon(notify=section) as daemon:
        for number in range(3000):
            happen(daemon, "alarmed", f"w{number}: it is bad", server=f"{number:012x}")
        await daemon.until(lambda: hook.posts, "it is told")
    assert hook.titles[0].endswith(" more")
    assert len(hook.posts[0]["message"]) <= 4000


async def test_events_that_find_no_room_are_read_from_the_disk(
    site: Site, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "MOST_ARRIVED", 2)
    monkeypatch.setattr(deciding, "GATHER_S", 1.0)
    section = notify({"ops": {"url": hook.url}}, group_by=["server"])
    async with site.daemon(notify=section) as daemon:
        for number in range(9):
            happen(daemon, "alarmed", f"w{number}: it is bad", server=f"{number:012x}")
        await daemon.until(lambda: len(hook.posts) == 9, "all are told")
    assert sorted(hook.titles) == [f"ALARM w{number}: it is bad" for number in range(9)]


async def test_what_waits_for_a_target_that_is_no_more_is_given_up(
    site: Site, hook: Webhook
) -> None:
    hook.answer = 500
    async with site.daemon(notify=notify({"ops": {"url": hook.url}})) as daemon:
        happen(daemon, "alarmed", "web1: it is bad")
        await daemon.until(lambda: hook.taken, "it is tried")
    async with site.daemon(notify=notify({"boss": {"url": hook.url}})) as daemon:
        items, _ = await daemon.source.notices.page(9, None, target="ops", state=None)
        (one,) = items
        assert (one["state"], one["error"]) == ("given_up", telling.NO_TARGET)


async def test_the_clock_is_set_back_and_nothing_waits_for_it(
    site: Site, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "LONGEST_WAIT_S", 0.2)
    async with site.daemon(notify=notify({"ops": {"url": hook.url}}, group_wait="3s")) as daemon:
        happen(daemon, "alarmed", "web1: disk is full")
        await daemon.until(lambda: daemon.events("alarmed"), "it is on disk")
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() - 86400)
        await until(lambda: hook.posts, "it is told")
        monkeypatch.undo()
