"""Silences on disk."""

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outkept.model.silence import Silence, SilenceState, Weekly
from outkept.store import Store
from outkept.store import silences as module
from outkept.store.silences import KEPT_S, Silences, TooManySilences
from tests.store.values import NOW

TEXTS = st.text(min_size=1, max_size=40)
TIMES = st.floats(NOW - 1e6, NOW + 1e6)
WEEKLY = st.builds(
    Weekly,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.sampled_from(["UTC", "Europe/Lisbon"]),
)
SILENCES = st.builds(
    Silence,
    TIMES,
    TIMES | st.just(inf),
    TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.none() | WEEKLY,
)


def one(starts: float, ends: float, **more: object) -> Silence:
    return replace(Silence(starts, ends, "r", "ada"), **more)  # type: ignore[arg-type]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=SILENCES)
async def test_what_is_written_is_read(store: Store, wanted: Silence) -> None:
    silences = Silences(store)
    added = await silences.add(wanted, NOW)
    found = await silences.get(added.id)
    assert found == added or any("\ud800" <= c <= "\udfff" for c in repr(wanted))
    assert added == replace(wanted, id=added.id)
    # Hypothesis keeps the store: it mustn't fill up.
    await silences.end(added.id, NOW, "ada")


async def test_they_are_listed_by_where_they_stand(store: Store) -> None:
    silences = Silences(store)
    for starts, ends in ((0, 5), (0, 50), (20, 50), (0, inf)):
        await silences.add(one(NOW + starts, NOW + ends), NOW)

    async def ids(state: SilenceState | None = None, limit: int = 10) -> list[int]:
        return [each.id for each in (await silences.page(limit, None, NOW + 10, state)).items]

    assert await ids() == [4, 3, 2, 1]
    assert await ids(SilenceState.ACTIVE) == [4, 2]
    assert await ids(SilenceState.PENDING) == [3]
    assert await ids(SilenceState.EXPIRED) == [1]
    for told in (await silences.page(10, None, NOW)).items[:2]:
        await silences.save_told(replace(told, told_begin=True, told_end=True))
        assert await silences.end(told.id, NOW, "ada") is None
    assert await ids(SilenceState.ACTIVE) == [2]
    assert await ids(SilenceState.EXPIRED) == [4, 3, 1]
    await silences.save_told(replace(told, told_end=False))
    await silences.save_told(replace(told, id=4, told_end=False))
    first = await silences.page(1, None, NOW + 10, SilenceState.ACTIVE)
    second = await silences.page(1, first.next, NOW + 10, SilenceState.ACTIVE)
    assert [each.id for each in (*first.items, *second.items)] == [4, 2]
    assert second.next is None
    with pytest.raises(ValueError, match="cursor"):
        await silences.page(1, "nonsense", NOW)


async def test_one_is_ended_once_and_by_somebody(store: Store) -> None:
    silences = Silences(store)
    begun = await silences.add(one(NOW, NOW + 50), NOW)
    later = await silences.add(one(NOW + 20, NOW + 50), NOW)
    ended = await silences.end(begun.id, NOW + 10, "bob")
    assert ended == replace(begun, ends=NOW + 10, ended_by="bob")
    assert await silences.end(begun.id, NOW + 11, "eve") is None
    assert await silences.get(begun.id) == ended
    never = await silences.end(later.id, NOW + 10, "bob")
    assert never is not None
    assert (never.starts, never.ends) == (NOW + 10, NOW + 10)
    for nothing in (99, 0, -1, 1 << 70):
        assert await silences.end(nothing, NOW, "bob") is None
        assert await silences.get(nothing) is None


async def test_what_is_told_does_not_undo_that_it_was_ended(store: Store) -> None:
    silences = Silences(store)
    begun = await silences.add(one(NOW, NOW + 50), NOW)
    ended = await silences.end(begun.id, NOW + 10, "bob")
    await silences.save_told(replace(begun, told_begin=True))
    assert ended is not None
    assert await silences.get(begun.id) == replace(ended, told_begin=True)
    assert [each.id for each in await silences.going_on()] == [begun.id]
    await silences.save_told(replace(begun, told_begin=True, told_end=True))
    assert await silences.going_on() == []


async def test_full_means_that_nothing_is_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SILENCES", 3)
    silences = Silences(store)
    for _ in range(3):
        await silences.add(one(NOW, NOW + 50), NOW)
    with pytest.raises(TooManySilences, match="3 silences already; end some"):
        await silences.add(one(NOW, NOW + 50), NOW)
    assert [each.id for each in (await silences.page(10, None, NOW)).items] == [3, 2, 1]
    await silences.end(2, NOW, "ada")
    assert (await silences.add(one(NOW, NOW + 50), NOW)).id == 4


async def test_those_that_are_over_for_long_are_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    silences = Silences(store)
    old = await silences.add(one(NOW, NOW + 10), NOW)
    await silences.add(one(NOW, NOW + 20), NOW)
    later = NOW + 10 + KEPT_S + 1
    await silences.add(one(later, later + 10), later)
    assert await silences.get(old.id) is None
    for number in range(4):
        await silences.add(one(later, later + 10 + number), later)
    await silences.add(one(later, inf), later + 100)
    kept = [each.id for each in (await silences.page(10, None, later + 100)).items]
    assert kept == [8, 7, 6]


async def test_they_outlive_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    weekly = Weekly(frozenset({5, 6}), 1320, 240, "Europe/Lisbon")
    added = await Silences(store).add(one(NOW, inf, weekly=weekly, labels={"a": "b"}), NOW)
    await store.close()
    store = Store.open(tmp_path)
    assert await Silences(store).going_on() == [added]
    await store.close()
