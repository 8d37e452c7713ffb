"""Commands that people have run, on real servers: looked at, run, followed, written down."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from outkept.app import insist
from outkept.model.action import Action
from outkept.model.event import EventType
from outkept.model.silence import Silence
from outkept.serve.control import ChangedError, MistakenError, Selection, UnknownError, Wanted
from outkept.store.errors import StoreError
from tests.app.harness import Daemon, Json, Site
from tests.servers import Server, machine

BY = "ada"


def wanted(servers: Sequence[str] | Selection, **more: Any) -> Wanted:
    """The reaction of `pump`, unless `more` says otherwise."""
    defaults: Json = {"sensor": "pump", "instance": None, "step": 1, "reason": "it is stuck"}
    return Wanted(servers=servers, **(defaults | more))


@pytest.fixture
def site(site: Site) -> Site:
    """One whose sensor `pump` has a reaction that says on which server it is."""
    site.sensor(
        "pump",
        "echo 1",
        warning=5,
        alarm=10,
        cooldown="0s",
        reactive="echo out of $(hostname); echo mind >&2; exit 3",
    )
    site.config["reactions"] = {"share": {"fleet": "100%"}}
    return site


@pytest.fixture
def servers(site: Site) -> Iterator[dict[str, Server]]:
    """web1 and web2, running."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                machine(name, addresses=[site.address(number)], port=site.port)
            )
            for number, name in enumerate(("web1", "web2"), 1)
        }


async def ids(daemon: Daemon, *names: str) -> list[str]:
    """The ids of servers that are being read."""
    for name in names:
        await daemon.until(partial(_is_read, daemon, name), f"{name} is read")
    return [daemon.server(name)["id"] for name in names]


def _is_read(daemon: Daemon, name: str) -> bool:
    return daemon.value(name, "pump") is not None


async def finished(daemon: Daemon, run: Json) -> Json:
    """The run, once it is over."""

    def over() -> Json | None:
        found = daemon.source.control.detail(run["id"])
        return found if found and found["finished"] else None

    found: Json = await daemon.until(over, "the run is over")
    return found


def states(daemon: Daemon, run: Json) -> list[str]:
    """The state on each server, by hostname."""
    found = daemon.source.control.detail(run["id"])
    assert found is not None
    return [one["state"] for one in found["servers"]]


async def confirmed(daemon: Daemon, what: Wanted) -> Json:
    """Begin a run with what its preview gave."""
    seen = await daemon.source.control.preview(what)
    again = wanted(
        what.servers,
        sensor=what.sensor,
        instance=what.instance,
        step=what.step,
        override=what.override,
        confirm=seen["confirm"],
    )
    return await daemon.source.control.start(again, BY)


@pytest.mark.usefixtures("servers")
async def test_it_runs_on_a_selection_and_is_written_down(site: Site) -> None:
    async with site.daemon() as daemon:
        (web1, web2) = await ids(daemon, "web1", "web2")
        run = await confirmed(daemon, wanted(Selection(names=["WEB*"])))
        assert run["by"] == BY
        done = await finished(daemon, run)
        assert done["counts"]["done"] == done["failed"] == 2
        for name, one in zip(("web1", "web2"), done["servers"], strict=True):
            assert (one["hostname"], one["state"], one["status"]) == (name, "done", 3)
            assert sorted(one["output"].splitlines()) == ["mind", f"out of {name}"]
        actions = await daemon.actions()
        assert {action["server"] for action in actions} == {web1, web2}
        for action in actions:
            assert (action["by"], action["reason"], action["step"]) == (BY, "it is stuck", 1)
            assert (action["outcome"], action["status"]) == ("done", 3)
            assert action["output"] != ""
        told = await daemon.until(lambda: _all_told(daemon), "it is told")
        assert told[0]["message"] == "ada runs the reaction of pump on 2 servers: it is stuck"
        assert told[0]["server"] is None
        assert "web1: pump: ada ran `echo out of" in "".join(one["message"] for one in told)
        assert {one["by"] for one in told} == {BY}


async def _all_told(daemon: Daemon) -> list[Json]:
    found = await daemon.events("control")
    return found if len(found) == 3 else []


@pytest.mark.usefixtures("servers")
async def test_what_it_prints_is_seen_while_it_runs(site: Site, yard: Path) -> None:
    go = yard / "go"
    site.sensors[-1]["reactive"] = (
        "printf 'caf\\303'; printf '\\251\\n';"
        f" while [ ! -e {go} ]; do sleep 0.05; done; echo after"
    )
    async with site.daemon() as daemon:
        run = await daemon.source.control.start(wanted(await ids(daemon, "web1")), BY)
        following = daemon.source.control.follow(run["id"])
        assert following is not None
        lines: list[Json] = []
        with following as reader:

            async def until_printed(text: str) -> None:
                async with asyncio.timeout(20):
                    while text not in "".join(line.get("text", "") for line in lines):
                        lines.extend(await reader.next())

            await until_printed("café\n")
            assert states(daemon, run) == ["running"]
            go.touch()
            await until_printed("after\n")
            while not reader.ended:
                lines.extend(await reader.next())
        kinds = [(line["type"], line.get("state")) for line in lines]
        assert kinds[0] == ("run", None)
        assert kinds[-2:] == [("state", "done"), ("end", None)]
        assert lines[-1]["run"]["counts"]["done"] == 1


@pytest.mark.usefixtures("servers")
async def test_a_preview_runs_nothing(site: Site) -> None:
    async with site.daemon() as daemon:
        await ids(daemon, "web1", "web2")
        seen = await daemon.source.control.preview(wanted(Selection(names=["web1", "mail*"])))
        assert (seen["would_run"], seen["held"], seen["unmatched"]) == (1, 0, ["mail*"])
        (one,) = seen["servers"]
        assert (one["hostname"], one["would"], one["guard"]) == ("web1", "run", None)
        assert (one["status"], one["value"], one["command"]) == ("normal", 1, 0)
        assert seen["commands"] == [site.sensors[-1]["reactive"]]
        assert await daemon.actions() == []
        assert daemon.source.control.runs() == []


@pytest.mark.usefixtures("servers")
async def test_what_runs_is_what_was_confirmed(site: Site, servers: dict[str, Server]) -> None:
    async with site.daemon() as daemon:
        both = await ids(daemon, "web1", "web2")
        with pytest.raises(ChangedError, match="2 servers; send the `confirm`"):
            await daemon.source.control.start(wanted(both), BY)
        seen = await daemon.source.control.preview(wanted(both))
        with pytest.raises(ChangedError, match="not what was confirmed"):
            await daemon.source.control.start(
                wanted(both, sensor="pump", confirm=seen["confirm"][::-1]), BY
            )
        servers["web2"].stop()
        await daemon.until(lambda: daemon.status("web2") == "disconnected", "web2 is missed")
        with pytest.raises(ChangedError, match="not what was confirmed") as raised:
            await daemon.source.control.start(wanted(both, confirm=seen["confirm"]), BY)
        assert raised.value.preview["would_run"] == 1
        assert await daemon.actions() == []
        again = raised.value.preview["confirm"]
        run = await daemon.source.control.start(wanted(both, confirm=again), BY)
        done = await finished(daemon, run)
        assert {one["hostname"]: one["state"] for one in done["servers"]} == {
            "web1": "done",
            "web2": "held",
        }


@pytest.mark.usefixtures("servers")
async def test_a_server_that_is_lost_in_between_is_unknown(
    site: Site, yard: Path, servers: dict[str, Server]
) -> None:
    begun = yard / "begun"
    site.sensors[-1]["reactive"] = f"echo so far; touch {begun}; sleep 60"
    site.sensors[-1]["timeout"] = "1m"
    async with site.daemon() as daemon:
        run = await daemon.source.control.start(wanted(await ids(daemon, "web1")), BY)
        await daemon.until(begun.exists, "it has begun")
        servers["web1"].stop()
        done = await finished(daemon, run)
        (one,) = done["servers"]
        assert (one["state"], one["status"], one["output"]) == ("unknown", None, "so far\n")
        assert "whether it ran is not known" in one["reason"]
        (action,) = await daemon.actions()
        assert (action["outcome"], action["by"], action["id"]) == ("unknown", BY, one["action"])


@pytest.mark.usefixtures("servers")
async def test_output_without_end_is_cut_and_ends_the_command(site: Site) -> None:
    site.sensors[-1]["reactive"] = "while :; do printf '\\033[31m%01000d\\n' 0; done"
    async with site.daemon() as daemon:
        run = await daemon.source.control.start(wanted(await ids(daemon, "web1")), BY)
        (one,) = (await finished(daemon, run))["servers"]
        assert one["state"] == "unknown"
        assert "bytes of output" in one["reason"]
        assert len(one["output"]) == 65536
        assert one["dropped"] > 100_000
        assert one["output"].startswith("\x1b[31m0000")


@pytest.mark.usefixtures("servers")
async def test_what_cannot_run_is_held_and_says_why(site: Site) -> None:
    site.sensor("mute", "echo 1", verifier="true")
    site.sensor("dumb", "echo 1")
    site.sensor("disk", "echo / 1; echo /var 2", parse="table", reactive="rm -rf $OUTKEPT_INSTANCE")
    async with site.daemon() as daemon:
        (web1,) = await ids(daemon, "web1")
        await daemon.until(lambda: "mute" in daemon.server("web1")["unsupported"], "verified")
        await daemon.until(lambda: daemon.value("web1", "disk", "/var"), "the disks are read")
        for what, words in (
            (wanted([web1], sensor="mute"), "does not have mute: "),
            (wanted([web1], sensor="dumb"), "the sensor has no reaction"),
            (wanted([web1], instance="left"), "pump has no instance 'left' there"),
            (wanted([web1], sensor="disk"), "disk has instances there; name one, such as /, /var"),
        ):
            (one,) = (await daemon.source.control.preview(what))["servers"]
            assert (one["would"], one["guard"]) == ("held", "unsupported")
            assert words in one["reason"]
            with pytest.raises(ChangedError, match="nothing would run: web1: "):
                await daemon.source.control.start(what, BY)
        for mistaken, error, words in (
            (wanted([web1], sensor="nope"), UnknownError, "no sensor is called 'nope'"),
            (wanted(["0123"]), UnknownError, "no server has the id '0123'"),
            (wanted(Selection(names=["mail*"])), UnknownError, "no server matches"),
            (wanted([web1], override=["busy"]), MistakenError, "busy can't be overridden"),
        ):
            with pytest.raises(error, match=words):
                await daemon.source.control.preview(mistaken)
        assert await daemon.actions() == []


@pytest.mark.usefixtures("servers")
async def test_one_thing_at_a_time_runs_on_a_server(site: Site, yard: Path) -> None:
    go = yard / "go"
    site.sensors[-1]["reactive"] = f"while [ ! -e {go} ]; do sleep 0.05; done"
    async with site.daemon() as daemon:
        (web1,) = await ids(daemon, "web1")
        run = await daemon.source.control.start(wanted([web1]), BY)

        async def runs() -> bool:
            (one,) = (await daemon.source.control.preview(wanted([web1])))["servers"]
            return bool(one["guard"] == "busy")

        await daemon.until(runs, "it is busy")
        with pytest.raises(ChangedError, match="nothing would run"):
            await daemon.source.control.start(wanted([web1]), BY)
        go.touch()
        await finished(daemon, run)
        assert len(await daemon.actions()) == 1


@pytest.mark.usefixtures("servers")
async def test_stopping_a_run_leaves_what_runs_and_begins_nothing_more(
    site: Site, yard: Path
) -> None:
    site.config["reactions"] |= {"at_once": 1}
    begun, go = yard / "begun", yard / "go"
    site.sensors[-1]["reactive"] = (
        f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done; echo over"
    )
    async with site.daemon() as daemon:
        await ids(daemon, "web1", "web2")
        run = await confirmed(daemon, wanted(Selection(names=["*"])))
        await daemon.until(
            lambda: states(daemon, run) == ["running", "waiting"], "the first one runs"
        )
        await daemon.until(begun.exists, "it was sent")
        daemon.source.control.stop(run["id"], "grace")
        assert states(daemon, run) == ["running", "stopped"]
        go.touch()
        done = await finished(daemon, run)
        assert [one["state"] for one in done["servers"]] == ["done", "stopped"]
        assert done["stopped_by"] == "grace"
        (action,) = await daemon.actions()
        assert action["outcome"] == "done"
        told = await daemon.until(lambda: _all_told(daemon), "it is told")
        assert told[1]["message"] == (
            "grace stopped the run of the reaction of pump: 1 of 2 had not begun"
        )


async def guard(daemon: Daemon, what: Wanted) -> list[tuple[str | None, str]]:
    """What holds it on each server, by hostname, and why."""
    seen = await daemon.source.control.preview(what)
    return [(one["guard"], one["reason"]) for one in seen["servers"]]


@pytest.mark.usefixtures("servers")
async def test_a_cooldown_holds_a_person_who_does_not_override_it(site: Site) -> None:
    site.sensors[-1]["cooldown"] = "10m"
    async with site.daemon() as daemon:
        (web1,) = await ids(daemon, "web1")
        await finished(daemon, await confirmed(daemon, wanted([web1])))
        ((held, why),) = await guard(daemon, wanted([web1]))
        assert held == "cooldown"
        assert "its cooldown lasts another" in why
        with pytest.raises(ChangedError, match="its cooldown lasts another"):
            await daemon.source.control.start(wanted([web1]), BY)
        forced = wanted([web1], override=["cooldown"])
        (one,) = (await daemon.source.control.preview(forced))["servers"]
        assert one["would"] == "run"
        assert "cooldown overridden: it ran" in one["warnings"][0]
        await finished(daemon, await confirmed(daemon, forced))
        actions = await daemon.actions()
        assert [action["reason"] for action in actions] == [
            "it is stuck",
            "it is stuck; cooldown overridden",
        ]


@pytest.mark.usefixtures("servers")
async def test_the_share_of_the_fleet_is_counted_over_what_would_run(site: Site) -> None:
    site.config["reactions"] = {"share": {"fleet": "50%"}}
    async with site.daemon() as daemon:
        await ids(daemon, "web1", "web2")
        everywhere = Selection(names=["*"])
        (first, second) = await guard(daemon, wanted(everywhere))
        assert (first[0], second[0]) == (None, "share")
        assert second[1].endswith("50 % of 2 is the most, with the 1 before it here")
        assert await guard(daemon, wanted(everywhere, override=["share"])) == [(None, "")] * 2
        done = await finished(daemon, await confirmed(daemon, wanted(everywhere)))
        assert [one["state"] for one in done["servers"]] == ["done", "held"]


@pytest.mark.usefixtures("servers")
async def test_the_kill_switch_holds_what_waits_for_its_turn(site: Site, yard: Path) -> None:
    begun, go = yard / "begun", yard / "go"
    site.sensors[-1]["reactive"] = f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done"
    site.config["reactions"] |= {"at_once": 1}
    async with site.daemon() as daemon:
        await ids(daemon, "web1", "web2")
        run = await confirmed(daemon, wanted(Selection(names=["*"])))
        await daemon.until(
            lambda: states(daemon, run) == ["running", "waiting"], "the first one runs"
        )
        await daemon.until(begun.exists, "it was sent")
        await daemon.source.reactions.stop("smoke", "grace")
        go.touch()
        done = await finished(daemon, run)
        assert [one["state"] for one in done["servers"]] == ["done", "held"]
        assert done["servers"][1]["guard"] == "stopped"
        forced = wanted(Selection(names=["*"]), override=["cooldown", "latch", "share", "blind"])
        assert {held for held, _ in await guard(daemon, forced)} == {"stopped"}
        with pytest.raises(ChangedError, match="all reactions are stopped: grace: smoke"):
            await daemon.source.control.start(forced, BY)


@pytest.mark.usefixtures("servers")
async def test_a_latch_holds_until_it_is_overridden_or_released(site: Site) -> None:
    site.config["reactions"] |= {"latch": {"runs": 1, "within": "1h"}}
    async with site.daemon() as daemon:
        (web1,) = await ids(daemon, "web1")
        await finished(daemon, await confirmed(daemon, wanted([web1])))
        assert [held for held, _ in await guard(daemon, wanted([web1]))] == ["latch"]
        assert await guard(daemon, wanted([web1], override=["latch"])) == [(None, "")]


@pytest.mark.usefixtures("servers")
async def test_another_host_key_holds_it_whatever_is_overridden(site: Site) -> None:
    async with site.daemon() as daemon:
        (web1,) = await ids(daemon, "web1")
        known = site.state / "known_hosts"
        lines = known.read_text().splitlines()
        known.write_text("".join(f"@revoked {line}\n" for line in lines))
        forced = wanted([web1], override=["cooldown", "latch", "share", "blind"])
        ((held, why),) = await guard(daemon, forced)
        assert held == "host_key"
        assert "is not the one that is trusted there now" in why
        with pytest.raises(ChangedError, match="nothing would run"):
            await daemon.source.control.start(forced, BY)
        assert await daemon.actions() == []


@pytest.mark.usefixtures("servers")
async def test_a_silence_and_an_acknowledgement_are_said_and_hold_nothing(
    site: Site, yard: Path
) -> None:
    (yard / "depth").write_text("11")
    site.sensors[-1] |= {"cmd": f"cat {yard}/depth", "parse": "number"}
    site.sensors[-1]["reactive"] = 'echo "$OUTKEPT_VALUE $OUTKEPT_LEVEL $OUTKEPT_STEP"'
    site.config["reactions"] |= {"mode": "off"}
    async with site.daemon() as daemon:
        (web1,) = await ids(daemon, "web1")
        await daemon.until(lambda: daemon.status("web1") == "alarmed", "it is alarmed")
        desk = daemon.source._context.desk
        (incident,) = await daemon.until(lambda: desk.incidents(web1), "there is an incident")
        now = time.time()
        await desk.add_silence(Silence(now - 1, now + 600, "we know", "grace"))
        await desk.said(incident, EventType.ACKNOWLEDGED, "on it", "grace")
        await daemon.until(lambda: desk.incidents(web1)[0].acknowledged, "it is acknowledged")
        (one,) = (await daemon.source.control.preview(wanted([web1])))["servers"]
        assert one["would"] == "run"
        assert one["warnings"] == [
            "grace has acknowledged the incident",
            "it is silenced: we know (grace)",
        ]
        done = await finished(daemon, await confirmed(daemon, wanted([web1])))
        assert done["servers"][0]["output"] == "11 alarmed 1\n"
        (action,) = await daemon.actions()
        assert (action["incident"], action["by"]) == (incident.id, BY)
        (fired,) = await daemon.until(lambda: daemon.events("fired"), "it is told")
        assert (fired["incident"], fired["by"]) == (incident.id, BY)
        assert daemon.series("web1", "pump")["status"] == "fired"


@pytest.mark.usefixtures("servers")
async def test_the_fallback_is_the_second_step(site: Site) -> None:
    site.sensors[-1]["fallback"] = "echo plan $OUTKEPT_STEP"
    async with site.daemon() as daemon:
        (web1,) = await ids(daemon, "web1")
        done = await finished(daemon, await confirmed(daemon, wanted([web1], step=2)))
        assert done["servers"][0]["output"] == "plan 2\n"
        (action,) = await daemon.actions()
        assert (action["command"], action["step"]) == ("echo plan $OUTKEPT_STEP", 2)


@pytest.mark.usefixtures("servers")
async def test_without_an_intent_on_disk_nothing_is_sent(
    site: Site, yard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = yard / "ran"
    site.sensors[-1]["reactive"] = f"touch {ran}"

    async def full(action: object) -> Action:
        raise StoreError("the disk is full")

    async with site.daemon() as daemon:
        (web1,) = await ids(daemon, "web1")
        monkeypatch.setattr(daemon.store, "intend", full)
        run = await daemon.source.control.start(wanted([web1]), BY)
        (one,) = (await finished(daemon, run))["servers"]
        assert one["state"] == "not sent"
        assert "could not be written down: the disk is full" in one["reason"]
        assert not ran.exists()
        assert [held for held, _ in await guard(daemon, wanted([web1]))] == [None]


@pytest.mark.usefixtures("servers")
async def test_what_came_of_it_is_written_down_once_the_disk_takes_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insist, "RETRY_AFTER", 0.01)
    is_full = True

    async with site.daemon() as daemon:
        finish = daemon.store.finish

        async def full(action: Action) -> None:
            if is_full:
                raise StoreError("the disk is full")
            await finish(action)

        (web1,) = await ids(daemon, "web1")
        monkeypatch.setattr(daemon.store, "finish", full)
        run = await daemon.source.control.start(wanted([web1]), BY)
        (one,) = (await finished(daemon, run))["servers"]
        assert one["state"] == "done"
        assert daemon.source.reactions.view()["running"] == []
        assert [action["outcome"] for action in await daemon.actions()] == ["intended"]
        is_full = False
        await daemon.until(partial(_is_done, daemon), "it is on disk")


async def _is_done(daemon: Daemon) -> bool:
    return [action["outcome"] for action in await daemon.actions()] == ["done"]


@pytest.mark.parametrize("switch", ["the kill switch", "a stop of the run"])
async def test_what_waits_for_a_channel_is_stopped_too(site: Site, yard: Path, switch: str) -> None:
    begun, go, ran = yard / "begun", yard / "go", yard / "ran"
    site.sensor("hog", f"touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done", timeout="30s")
    site.sensors[0]["reactive"] = f"touch {ran}"
    with machine("web1", addresses=[site.address(1)], port=site.port, max_sessions=1):
        async with site.daemon() as daemon:
            await daemon.until(begun.exists, "the only channel is taken")
            web1 = daemon.server("web1")["id"]
            run = await daemon.source.control.start(wanted([web1]), BY)
            await daemon.until(lambda: states(daemon, run) == ["running"], "it has its intent")
            if switch == "the kill switch":
                await daemon.source.reactions.stop("smoke", "grace")
            else:
                daemon.source.control.stop(run["id"], "grace")
            go.touch()
            (one,) = (await finished(daemon, run))["servers"]
            assert one["state"] == "not sent"
            assert "grace" in one["reason"]
            assert [action["outcome"] for action in await daemon.actions()] == ["not sent"]
            assert not ran.exists()


@pytest.mark.usefixtures("servers")
async def test_what_runs_as_the_daemon_ends_is_unknown_at_the_next_start(
    site: Site, yard: Path
) -> None:
    begun = yard / "begun"
    site.sensors[-1]["reactive"] = f"touch {begun}; sleep 60"
    async with site.daemon() as daemon:
        await daemon.source.control.start(wanted(await ids(daemon, "web1")), BY)
        await daemon.until(begun.exists, "it has begun")
    async with site.daemon() as daemon:
        (action,) = await daemon.actions()
        assert (action["outcome"], action["by"]) == ("unknown", BY)
        await daemon.until(lambda: daemon.events(q="is unknown: the daemon was cut off"), "told")
        assert daemon.source.control.runs() == []


@pytest.mark.usefixtures("servers")
async def test_being_blind_holds_a_person_who_does_not_override_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.daemon() as daemon:
        (web1,) = await ids(daemon, "web1")
        guards = daemon.source.control._guards
        monkeypatch.setattr(guards, "_blind", lambda live: "5 of 6 servers are gone")
        ((held, why),) = await guard(daemon, wanted([web1]))
        assert held == "blind"
        assert "5 of 6 servers are gone" in why
        assert await guard(daemon, wanted([web1], override=["blind"])) == [(None, "")]
