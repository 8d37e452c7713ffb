"""Reactions, and notices to each target, as Prometheus families."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from outkept.act.policy import Guard
from outkept.app.context import Context
from outkept.app.guards import Guards
from outkept.app.metrics import by_word
from outkept.app.reactions import Reactions
from outkept.app.tally import Tally
from outkept.model.action import ActionOutcome, ReactionMode
from outkept.notify.carrier import TargetState

Family = CounterMetricFamily | GaugeMetricFamily

_BY = ((True, "alarm"), (False, "person"))
_OUTCOMES = tuple(one for one in ActionOutcome if one is not ActionOutcome.INTENDED)
_WAITED_FOR = tuple(guard for guard in Guard if guard.passes)


def reaction_families(context: Context, guards: Guards, reactions: Reactions) -> Iterator[Metric]:
    """What ran since the start, what runs now, and what holds the rest."""
    yield from _counted(context.tally)
    yield GaugeMetricFamily(
        "outkept_reactions_running", "Servers that a command runs on.", value=guards.running
    )
    held = reactions.held_by()
    waiting = GaugeMetricFamily(
        "outkept_reactions_waiting",
        "Reactions that wait for what holds them to pass, by guard.",
        labels=["guard"],
    )
    for guard in _WAITED_FOR:
        waiting.add_metric([guard.value], held[guard])
    yield waiting
    yield GaugeMetricFamily(
        "outkept_reactions_latched",
        "Sensors whose reactions rest on a server until a person releases them.",
        value=guards.latched,
    )
    yield GaugeMetricFamily(
        "outkept_reactions_stopped",
        "1 while a person has stopped all reactions.",
        value=guards.stopped is not None,
    )
    mode = context.settings.reactions.mode
    text = "1 for the configured reactions.mode, 0 for the others."
    yield by_word("outkept_reactions_mode", text, "mode", {mode: 1}, ReactionMode)


def _counted(tally: Tally) -> Iterator[Metric]:
    started = CounterMetricFamily(
        "outkept_reactions_started",
        "Commands whose intent was written, by who had them run.",
        labels=["by"],
    )
    ended = CounterMetricFamily(
        "outkept_reactions_ended",
        "Commands that are over, and dry runs, by who had them run and their outcome.",
        labels=["by", "outcome"],
    )
    for automatic, by in _BY:
        started.add_metric([by], tally.started[automatic])
    for (automatic, by), outcome in product(_BY, _OUTCOMES):
        ended.add_metric([by, outcome.value], tally.ended[automatic, outcome])
    yield started
    yield ended


_OF_TARGETS: tuple[tuple[type[Family], str, str, Callable[[TargetState, float], float]], ...] = (
    (CounterMetricFamily, "sent", "Notices sent.", lambda one, _: one.sent),
    (CounterMetricFamily, "failed", "Tries to send one that failed.", lambda one, _: one.failed),
    (CounterMetricFamily, "given_up", "Notices given up.", lambda one, _: one.given_up),
    (GaugeMetricFamily, "waiting", "Notices that are to be sent.", lambda one, _: one.queued),
    (
        GaugeMetricFamily,
        "oldest_wait_seconds",
        "How long the oldest notice that is to be sent has waited; 0 without one.",
        lambda one, now: 0.0 if one.oldest is None else max(0.0, now - one.oldest),
    ),
    (
        GaugeMetricFamily,
        "failing",
        "1 while the last try to reach the target failed.",
        lambda one, _: one.failing_since is not None,
    ),
)


def notice_families(targets: Sequence[TargetState], now: float) -> Iterator[Metric]:
    """What became of notices since the start, and how each target stands at `now` (UNIX
    seconds)."""
    for kind, name, text, value in _OF_TARGETS:
        family = kind(f"outkept_notices_{name}", text, labels=["target"])
        for one in targets:
            family.add_metric([one.name], value(one, now))
        yield family
