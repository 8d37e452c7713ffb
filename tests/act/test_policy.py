"""Whether a reaction runs: each guard by itself, and what holds whatever the situation."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.act.ledger import Ledger, Moment, Start
from outkept.act.policy import Group, Guard, Situation, allowed, decide, holds, mode_for
from outkept.config.overrides import MatchSubject
from outkept.config.settings import ReactionRule, ReactionSettings
from outkept.config.strict import Match
from outkept.model.action import ReactionMode
from outkept.model.sensor import Sensor

LIMITS = ReactionSettings.model_validate(
    {
        "latch": {"runs": 3, "within": "1h"},
        "at_once": 2,
        "share": {"fleet": "25%", "labels": {"site": "50%"}, "within": "10m"},
    }
)
CALM = Situation(
    mode=ReactionMode.ON,
    limits=LIMITS,
    cooldown=60.0,
    command="systemctl restart nginx",
    cause="is 12 >= 10 (alarmed)",
    fleet=12,
)

RESTRICTED: list[tuple[Guard, dict[str, Any], str]] = [
    (Guard.NONE, {"command": None}, "the sensor has no reaction"),
    (Guard.NONE, {"command": None, "step": 2}, "the sensor has no fallback"),
    (Guard.STOPPED, {"stopped": "ops: upgrade"}, "all reactions are stopped: ops: upgrade"),
    (Guard.MODE, {"mode": ReactionMode.OFF}, "reactions.mode is off"),
    (Guard.ZERO, {"by_zero": True}, "a value of 0 alarms but runs no reaction"),
    (Guard.STARTED, {"started": True}, "step 1 was started for this incident before"),
    (Guard.HOST_KEY, {"host_key": "the host key changed"}, "the host key changed"),
    (Guard.ACKNOWLEDGED, {"acknowledged_by": "ana"}, "ana has acknowledged the incident"),
    (Guard.SILENCED, {"silenced": "backup"}, "it is silenced: backup"),
    (Guard.BLIND, {"blind": "we may be blind to all"}, "we may be blind to all"),
    (Guard.FLAPPING, {"flapping": True}, "it is flapping"),
    (
        Guard.LATCHED,
        {"latched": "it ran 3 times within 1h"},
        "it is latched until a person releases it: it ran 3 times within 1h",
    ),
    (Guard.COOLDOWN, {"ran_ago": 59.0}, "it ran 59 s ago; its cooldown lasts another 1 s"),
    (Guard.COOLDOWN, {"ran_ago": -9.0}, "the clock was set back; its cooldown lasts another 69 s"),
    (Guard.RUNS, {"runs": 3}, "it ran 3 times within 1h, which is the most"),
    (
        Guard.SHARE,
        {"reacted": 3},
        "3 servers of the fleet were reacted on within 10m; 25 % of 12 is the most",
    ),
    (
        Guard.LABEL_SHARE,
        {"groups": (Group("site", "lisbon", 3, 1),)},
        "1 server of site=lisbon was reacted on within 10m; 50 % of 3 is the most",
    ),
    (Guard.BUSY, {"running": "disk[/var]"}, "the reaction to disk[/var] runs on this server"),
    (Guard.AT_ONCE, {"at_once": 2}, "reactions run on 2 servers, reactions.at_once allows no more"),
]


def test_it_runs_when_nothing_holds_it() -> None:
    decision = decide(CALM)
    assert (decision.run, decision.record, decision.guard) == (True, True, None)
    assert decision.reason == CALM.cause


@pytest.mark.parametrize(("guard", "change", "reason"), RESTRICTED)
def test_each_guard_holds_it_and_says_why(
    guard: Guard, change: dict[str, Any], reason: str
) -> None:
    situation = replace(CALM, **change)
    decision = decide(situation)
    assert [hold.guard for hold in holds(situation)] == [guard]
    assert (decision.run, decision.record, decision.guard) == (False, False, guard)
    assert decision.reason == f"held: {reason}"
    assert decision.waits == (
        guard
        in {
            Guard.SILENCED,
            Guard.BLIND,
            Guard.FLAPPING,
            Guard.COOLDOWN,
            Guard.BUSY,
            Guard.AT_ONCE,
        }
    )
    assert decision.latch == (guard is Guard.RUNS)


def test_what_is_just_allowed_is_allowed() -> None:
    edge = replace(
        CALM,
        ran_ago=60.0,
        runs=2,
        reacted=2,
        at_once=1,
        groups=(Group("site", "lisbon", 4, 1), Group("role", "web", 1, 1)),
    )
    assert decide(edge).run


def test_a_dry_run_is_written_down_and_minds_all_that_is_not_about_running_now() -> None:
    dry = replace(CALM, mode=ReactionMode.DRY_RUN, running="disk", at_once=9, host_key="doubt")
    decision = decide(dry)
    assert (decision.run, decision.record) == (False, True)
    assert decision.reason == "is 12 >= 10 (alarmed); reactions.mode is dry-run"
    held = decide(replace(dry, runs=3))
    assert (held.record, held.guard, held.latch) == (False, Guard.RUNS, False)


def test_a_share_of_few_servers_is_one() -> None:
    assert [allowed(0.1, n) for n in (0, 1, 9, 10, 19, 20, 500)] == [1, 1, 1, 1, 1, 2, 50]
    assert allowed(0.07, 100) == 7


texts = st.sampled_from(["", "why"])
counts = st.integers(0, 5)
situations = st.builds(
    Situation,
    mode=st.sampled_from(ReactionMode),
    limits=st.just(LIMITS),
    cooldown=st.floats(0, 600),
    command=st.sampled_from(["true", None]),
    cause=st.just("cause"),
    step=st.sampled_from([1, 2]),
    by_zero=st.booleans(),
    stopped=texts,
    started=st.booleans(),
    host_key=texts,
    acknowledged_by=texts,
    silenced=texts,
    blind=texts,
    flapping=st.booleans(),
    latched=texts,
    ran_ago=st.none() | st.floats(-600, 600),
    runs=counts,
    running=texts,
    at_once=counts,
    reacted=counts,
    fleet=st.integers(1, 30),
    groups=st.lists(
        st.builds(Group, st.just("site"), st.just("x"), st.integers(1, 20), counts), max_size=2
    ).map(tuple),
)


@given(situations)
def test_nothing_runs_while_a_guard_holds(now: Situation) -> None:
    if not decide(now).run:
        return
    assert now.mode is ReactionMode.ON
    assert now.command
    bars = [now.by_zero, now.stopped, now.started, now.host_key, now.acknowledged_by]
    bars += [now.silenced, now.blind, now.flapping, now.latched, now.running]
    assert not any(bars)
    assert now.ran_ago is None or now.ran_ago >= now.cooldown
    assert now.runs < 3
    assert now.at_once < 2
    assert now.reacted < max(1, now.fleet // 4)
    assert all(group.reacted < max(1, group.servers // 2) for group in now.groups)


@given(situations, st.sampled_from(RESTRICTED), st.integers(1, 9))
def test_a_further_restriction_never_lets_anything_run(
    now: Situation, restriction: tuple[Guard, dict[str, Any], str], more: int
) -> None:
    before = decide(now)
    ran_ago = now.ran_ago
    for after in (
        replace(now, **_restricting(now, restriction[1])),
        replace(now, runs=now.runs + more),
        replace(now, at_once=now.at_once + more),
        replace(now, reacted=now.reacted + more),
        replace(now, cooldown=now.cooldown + more),
        replace(now, fleet=max(1, now.fleet - more)),
        replace(now, ran_ago=-1.0 if ran_ago is None else ran_ago - more),
        replace(now, groups=(*now.groups, Group("site", "y", 2, more))),
    ):
        decision = decide(after)
        assert decision.run <= before.run
        assert decision.record <= before.record


def _restricting(now: Situation, change: dict[str, Any]) -> dict[str, Any]:
    """The change, with what is more restrictive already left as it is."""
    if "ran_ago" in change and now.ran_ago is not None:
        return {"ran_ago": min(now.ran_ago, change["ran_ago"])}
    if "groups" in change:
        return {"groups": now.groups + change["groups"]}
    counts = {"runs", "reacted", "at_once"} & change.keys()
    return change | {name: max(change[name], getattr(now, name)) for name in counts}


moments = st.lists(
    st.tuples(
        st.integers(0, 3),  # which server
        st.sampled_from(["nginx", "disk"]),
        st.floats(0, 400),  # seconds that pass
        st.floats(-5000, 5000),  # by which the wall clock is set
        st.booleans(),  # whether it is set at all
    ),
    max_size=60,
)


@given(moments)
def test_whatever_comes_when_the_caps_hold_by_a_clock_that_can_not_be_set(
    story: list[tuple[int, str, float, float, bool]],
) -> None:
    ledger = Ledger(3600.0)
    wall, tick = 1e9, 0.0
    ran: list[tuple[str, str, float]] = []
    for number, sensor, passed, jump, jumps in story:
        tick += passed
        wall += passed + (jump if jumps else 0.0)
        server, now = f"s{number}", Moment(wall, tick)
        situation = replace(
            CALM,
            fleet=8,
            ran_ago=ledger.ran_ago(server, sensor, 1, now, dry=False),
            runs=ledger.runs(server, sensor, 3600.0, now, dry=False),
            reacted=len(ledger.servers(600.0, now, dry=False) - {server}),
        )
        if decide(situation).run:
            ledger.add(Start(server, sensor, 1, now))
            ran.append((server, sensor, tick))
    for at, (server, sensor, when) in enumerate(ran):
        same = [one for one in ran[:at] if one[:2] == (server, sensor)]
        assert all(when - one[2] >= 60.0 for one in same)
        assert sum(when - one[2] < 3600.0 for one in same) < 3
        assert len({one[0] for one in ran[: at + 1] if when - one[2] < 600.0}) <= 2


def test_what_was_not_sent_does_not_count() -> None:
    ledger = Ledger(3600.0)
    first = Start("s", "nginx", 1, Moment(100.0))
    second = Start("s", "nginx", 1, Moment(200.0))
    ledger.add(first)
    ledger.add(second)
    ledger.withdraw(second)
    assert ledger.ran_ago("s", "nginx", 1, Moment(300.0), dry=False) == 200.0
    assert ledger.runs("s", "nginx", 3600.0, Moment(300.0), dry=False) == 1
    ledger.withdraw(first)
    assert ledger.ran_ago("s", "nginx", 1, Moment(300.0), dry=False) is None
    assert ledger.servers(3600.0, Moment(300.0), dry=False) == set()


def test_dry_runs_count_for_dry_runs_alone() -> None:
    ledger = Ledger(3600.0)
    ledger.add(Start("s", "nginx", 1, Moment(100.0), dry=True))
    now = Moment(110.0)
    assert ledger.ran_ago("s", "nginx", 1, now, dry=False) is None
    assert ledger.ran_ago("s", "nginx", 1, now, dry=True) == 10.0
    assert ledger.servers(600.0, now, dry=False) == set()
    assert ledger.servers(600.0, now, dry=True) == {"s"}


def _mode(
    fleet: ReactionMode, own: ReactionMode | None = None, **match: Any
) -> tuple[ReactionMode, str]:
    rules: list[ReactionRule] = []
    if match:
        mode = match.pop("mode")
        sensors = match.pop("sensors", ("*",))
        rules = [ReactionRule(match=Match(**match), sensors=sensors, mode=mode)]
    settings = ReactionSettings(mode=fleet, rules=tuple(rules))
    sensor = Sensor("nginx", "cmd", reaction_mode=own)
    return mode_for(settings, sensor, MatchSubject("web1", {"site": "lisbon"}))


def test_the_first_rule_that_matches_says_the_mode() -> None:
    on, dry, off = ReactionMode.ON, ReactionMode.DRY_RUN, ReactionMode.OFF
    assert _mode(dry) == (dry, "reactions.mode")
    assert _mode(dry, mode=on, hostname="web*") == (on, "reactions.rules.0.mode")
    assert _mode(dry, mode=on, hostname="db*") == (dry, "reactions.mode")
    assert _mode(on, mode=off, labels={"site": "lis*"}) == (off, "reactions.rules.0.mode")
    assert _mode(on, mode=off, sensors=("mysql",)) == (on, "reactions.mode")


def test_a_sensor_can_only_take_away_from_the_mode() -> None:
    on, dry, off = ReactionMode.ON, ReactionMode.DRY_RUN, ReactionMode.OFF
    assert _mode(off, on)[0] is off
    assert _mode(dry, on) == (dry, "reactions.mode")
    assert _mode(on, dry) == (dry, "reaction_mode of nginx")
    assert _mode(on, off, mode=on, hostname="*") == (off, "reaction_mode of nginx")
