"""What holds a run that a person wants, as properties over every mixture of guards."""

import random

from hypothesis import given
from hypothesis import strategies as st

from outkept.act.manual import OVERRIDABLE, Held, Verdict, confirmation, judge
from outkept.act.policy import Guard, Hold

AUTOMATIC = {Guard.MODE, Guard.ZERO, Guard.STARTED, Guard.AT_ONCE}
SAID = {Guard.ACKNOWLEDGED, Guard.SILENCED, Guard.FLAPPING}
MAY = {Guard.BLIND, Guard.LATCHED, Guard.RUNS, Guard.COOLDOWN, Guard.SHARE, Guard.LABEL_SHARE}
NEVER = {Guard.NONE, Guard.STOPPED, Guard.HOST_KEY, Guard.BUSY}

guards = st.lists(st.sampled_from(Guard), unique=True)
helds = st.frozensets(st.sampled_from(Held))
own = st.dictionaries(
    st.sampled_from([Held.UNSUPPORTED, Held.DISCONNECTED]), st.sampled_from(["", "so"])
)


def judged(
    found: list[Guard],
    override: frozenset[Held] = frozenset(),
    against: dict[Held, str] | None = None,
) -> Verdict:
    """The verdict where these guards hold, each for a reason that names it."""
    return judge(against or {}, [Hold(guard, f"for {guard}") for guard in found], override)


def test_every_guard_of_the_policy_is_one_of_four_kinds() -> None:
    assert set(Guard) == AUTOMATIC | SAID | MAY | NEVER
    assert len(AUTOMATIC) + len(SAID) + len(MAY) + len(NEVER) == len(Guard)


@given(guards, own)
def test_without_overrides_it_runs_where_only_what_is_said_or_automatic_holds(
    found: list[Guard], against: dict[Held, str]
) -> None:
    verdict = judged(found, against=against)
    assert verdict.runs == (not any(against.values()) and not set(found) & (MAY | NEVER))
    assert set(verdict.warnings) == {f"for {guard}" for guard in found if guard in SAID}
    assert bool(verdict.reason) == (not verdict.runs)


@given(guards, helds, own)
def test_what_can_never_be_overridden_holds_whatever_is_overridden(
    found: list[Guard], override: frozenset[Held], against: dict[Held, str]
) -> None:
    verdict = judged(found, override, against)
    if set(found) & NEVER or any(against.values()):
        assert verdict.held not in OVERRIDABLE | {None}


@given(guards, helds)
def test_an_override_is_said_and_never_holds_more(
    found: list[Guard], override: frozenset[Held]
) -> None:
    strict, lax = judged(found), judged(found, override)
    if strict.runs:
        assert lax == strict
    if lax.runs:
        assert set(lax.overridden) <= override & OVERRIDABLE
        said = " ".join(lax.warnings)
        assert all(f"{held} overridden: for " in said for held in lax.overridden)
        assert strict.runs == (not lax.overridden)


What = tuple[str, str | None, int, frozenset[Held], list[tuple[str, str]]]

ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
whats = st.tuples(
    ids,
    st.none() | ids,
    st.sampled_from([1, 2]),
    helds,
    st.lists(st.tuples(ids, ids), unique_by=lambda one: one[0], max_size=4),
)


@given(whats, whats, st.randoms())
def test_a_confirmation_stands_for_exactly_what_would_run(
    one: What, other: What, chance: random.Random
) -> None:
    same = (one[:4], sorted(one[4])) == (other[:4], sorted(other[4]))
    assert (confirmation(*one) == confirmation(*other)) == same
    mixed = list(one[4])
    chance.shuffle(mixed)
    assert confirmation(one[0], one[1], one[2], one[3], mixed) == confirmation(*one)
