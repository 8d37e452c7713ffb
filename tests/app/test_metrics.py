"""What /metrics says of incidents, reactions and notices, read as Prometheus reads it."""

import asyncio
import re
import time
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from outkept.act.policy import Guard
from outkept.app.metrics import families
from outkept.app.reaction_control import ReactionControl
from outkept.model.command import CommandOutcome, CommandResult
from outkept.model.event import Condition, Event, EventType
from outkept.model.silence import Silence
from tests.app.harness import Site
from tests.app.reacting import DEPTH, LOST, Wire, Yard, yard
from tests.app.test_telling import notify
from tests.notify.receivers import webhook

Samples = dict[str, dict[tuple[str, ...], float]]
"""By name, then by the values of the labels in the order of their names."""


DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


class _Taken(Collector):
    def __init__(self, taken: Iterable[Metric]) -> None:
        self._families = list(taken)

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposed(taken: Iterable[Metric]) -> Samples:
    """The samples of families, once they were written down and read again. What every family
    must have is looked at here."""
    registry = CollectorRegistry()
    registry.register(_Taken(taken))
    found: Samples = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        assert family.name.startswith("outkept_")
        assert family.documentation.endswith("."), family.name
        for one in family.samples:
            assert one.name.endswith("_total") == (family.type == "counter"), one.name
            values = tuple(value for _, value in sorted(one.labels.items()))
            assert values not in found.setdefault(one.name, {}), one
            found[one.name][values] = one.value
    return found


def counted(samples: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Those that aren't 0."""
    return {labels: value for labels, value in samples.items() if value}


def _family(name: str) -> str:
    """What the documentation calls it: a histogram by its name without what stands behind."""
    return re.sub("(?<=_lateness_seconds)_.*", "", name)


async def of_yard(one: Yard) -> Samples:
    """What a daemon would say of this fleet."""
    control = ReactionControl(one.context, one.guards, one.reactions)
    return exposed([*await families(one.context), *control.metrics()])


async def test_of_an_idle_daemon_every_family_is_there_and_says_nothing(tmp_path: Path) -> None:
    async with yard(tmp_path, mode="dry-run") as one:
        found = await of_yard(one)
    for name in (
        "outkept_reactions_started_total",
        "outkept_reactions_ended_total",
        "outkept_reactions_waiting",
        "outkept_reactions_running",
        "outkept_reactions_latched",
        "outkept_reactions_stopped",
        "outkept_incidents_open",
        "outkept_silences",
        "outkept_events_total",
        "outkept_events_refused_total",
        "outkept_events_waiting",
        "outkept_blind",
        "outkept_blind_ranges",
    ):
        assert found[name], name
        assert not counted(found[name]), name
    assert counted(found["outkept_reactions_mode"]) == {("dry-run",): 1}
    assert {guard for (guard,) in found["outkept_reactions_waiting"]} == {
        guard for guard in Guard if guard.passes
    }


async def test_reactions_are_counted_by_how_they_end(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def answer(wire: Wire, _: str) -> CommandOutcome:
        if wire.endpoint.address == "10.0.0.1":
            await gate.wait()
            return CommandResult(0, b"", b"")
        return LOST

    async with yard(tmp_path, answer=answer, share={"fleet": "100%"}) as one:
        one.server(0)
        one.read("s0", 11)
        await one.until(one.sent, "it is sent")
        found = await of_yard(one)
        assert found["outkept_reactions_running"] == {(): 1}
        assert counted(found["outkept_reactions_started_total"]) == {("alarm",): 1}
        assert not counted(found["outkept_reactions_ended_total"])
        gate.set()
        await one.told_of("ran `pump`")
        one.server(1)
        one.read("s1", 11)
        await one.told_of("not sent")
        found = await of_yard(one)
        assert counted(found["outkept_reactions_started_total"]) == {("alarm",): 2}
        assert counted(found["outkept_reactions_ended_total"]) == {
            ("alarm", "done"): 1,
            ("alarm", "not sent"): 1,
        }
        assert not counted(found["outkept_reactions_running"])
        assert found["outkept_events_total"]["fired",] == 1


async def test_a_dry_run_is_no_start(tmp_path: Path) -> None:
    async with yard(tmp_path, mode="dry-run") as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("would have run")
        found = await of_yard(one)
    assert counted(found["outkept_reactions_ended_total"]) == {("alarm", "dry-run"): 1}
    assert not counted(found["outkept_reactions_started_total"])


async def test_what_holds_reactions_is_counted_while_it_does(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.blind = "we may be blind to all servers"
        for number in range(2):
            one.server(number)
            one.read(f"s{number}", 11)
        await one.told_of("held: we may be blind", times=2)
        found = await of_yard(one)
        assert counted(found["outkept_reactions_waiting"]) == {("blind",): 2}
        await one.guards.stop("moving the racks", "ana")
        await one.guards.latch(one.live("s0"), DEPTH, "4 runs within 1h")
        await one.until(lambda: not one.reactions.waiting(), "nothing waits")
        found = await of_yard(one)
        assert not counted(found["outkept_reactions_waiting"])
        assert found["outkept_reactions_stopped"] == {(): 1}
        assert found["outkept_reactions_latched"] == {(): 1}
        assert found["outkept_incidents_open"]["false", "level", "alarmed"] == 2


async def test_incidents_silences_and_blindness(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        now = time.time()
        for server, ends in (("a*", now + 3600), ("b*", now + 7200)):
            await one.context.desk.add_silence(Silence(now - 1, ends, "backup", "ana", server))
        await one.context.desk.add_silence(Silence(now + 3600, now + 7200, "later", "ana", "c*"))
        one.context.herald.announce(
            Event(now, EventType.BLIND, "blind", None, "10.0.0.0/24", condition=Condition.BLIND)
        )
        await one.told_of("blind")
        (incident,) = one.context.desk.incidents()
        await one.context.desk.said(incident, EventType.ACKNOWLEDGED, "ana has it", "ana")
        found = await of_yard(one)
        assert counted(found["outkept_incidents_open"]) == {("true", "blind", "alarmed"): 1}
        assert found["outkept_silences"] == {(): 2}
        assert found["outkept_events_total"]["blind",] == 1
        assert one.context.herald.written.total() == len(one.told)


async def test_notices_are_counted_by_target_and_nothing_a_server_says_is_a_label(
    site: Site,
) -> None:
    with webhook() as hook:
        section = notify({"ops": {"url": hook.url}, "down": {"url": "json://127.0.0.1:1/"}})
        async with site.daemon(notify=section) as daemon:
            event = Event(time.time(), EventType.ALARMED, "disk full", "0123456789ab", "evil")
            daemon.source._context.herald.announce(event)

            async def done() -> bool:
                found = exposed(await daemon.source.metrics())
                sent, failed = (found[f"outkept_notices_{one}_total"] for one in ("sent", "failed"))
                return bool(sent["ops",] and failed["down",])

            await daemon.until(done, "one target has it, and the other has failed")
            found = exposed([*await daemon.source.metrics(), *daemon.hub.metrics()])
            stats = daemon.source.stats()
    assert (stats["notices_waiting"], stats["targets_failing"]) == (1, 1)
    described = set(re.findall(r"outkept_\w+", DOCS.read_text("utf-8")))
    assert described == {_family(name) for name in found}
    assert sum(map(len, found.values())) < 160
    assert found["outkept_notices_waiting"] == {("ops",): 0, ("down",): 1}
    assert found["outkept_notices_failing"] == {("ops",): 0, ("down",): 1}
    assert found["outkept_notices_given_up_total"] == {("ops",): 0, ("down",): 0}
    assert found["outkept_notices_oldest_wait_seconds"]["ops",] == 0
    said = {word for samples in found.values() for labels in samples for word in labels}
    assert not any("evil" in word or "0123456789ab" in word for word in said)
