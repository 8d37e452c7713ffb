"""Silences against a slow, simple model: minute by minute, over years, in several zones."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outkept.model.silence import (
    MINUTES_A_DAY,
    Silence,
    SilenceState,
    Subject,
    Weekly,
    to_tell,
)
from outkept.model.silencing import ALL, Silencing

ZONES = (
    "UTC",
    "Europe/Lisbon",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia",  # had no 30 December 2011
    "America/Sao_Paulo",  # changed at midnight
)


def at(zone: str, *local: int) -> float:
    return datetime(*local, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[misc,arg-type]


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, float]:
    """A zone and a minute in it, mostly close to a change of its clock."""
    zone = draw(st.sampled_from(ZONES))
    day = draw(st.dates(date(2008, 1, 1), date(2036, 12, 31)))
    noon = at(zone, day.year, day.month, day.day, 12)
    for _ in range(400 if draw(st.integers(0, 3)) else 0):
        if _offset(zone, noon) != _offset(zone, noon + 86400):
            break
        noon += 86400
    return zone, noon // 60 * 60 + 60.0 * draw(st.integers(-MINUTES_A_DAY, 2 * MINUTES_A_DAY))


def _offset(zone: str, now: float) -> timedelta | None:
    return datetime.fromtimestamp(now, ZoneInfo(zone)).utcoffset()


def begun(day: date, start: int, zone: str) -> float:
    """When a day's window begins, found by looking at the clock each minute: the first that shows
    the start; or where none does, as long after the last that shows less as the clock has it."""
    wanted = datetime(day.year, day.month, day.day) + timedelta(minutes=start)
    first = wanted.replace(tzinfo=UTC).timestamp() - 15 * 3600
    before = first
    for minute in range(30 * 60):
        now = first + 60.0 * minute
        shown = datetime.fromtimestamp(now, ZoneInfo(zone)).replace(tzinfo=None)
        if shown == wanted:
            return now
        if shown > wanted:
            break
        before = now
    shown = datetime.fromtimestamp(before, ZoneInfo(zone)).replace(tzinfo=None)
    return before + (wanted - shown).total_seconds()


def covers(weekly: Weekly, now: float) -> bool:
    today = datetime.fromtimestamp(now, ZoneInfo(weekly.zone)).date()
    days = (today + timedelta(days=offset) for offset in range(-3, 2))
    return any(
        0 <= now - begun(day, weekly.start, weekly.zone) < 60 * weekly.length
        for day in days
        if day.weekday() in weekly.days
    )


DAYS = st.frozensets(st.integers(0, 6), min_size=1)
STARTS = st.integers(0, MINUTES_A_DAY - 1) | st.sampled_from([0, 30, 60, 90, 120, 150, 1410])
LENGTHS = st.integers(1, MINUTES_A_DAY) | st.just(MINUTES_A_DAY)


@given(moments(), DAYS, STARTS, LENGTHS)
@example(("Europe/Lisbon", at("Europe/Lisbon", 2026, 3, 30, 0, 20)), frozenset({5}), 1410, 1440)
@example(("Europe/Lisbon", at("Europe/Lisbon", 2026, 3, 29, 2, 29)), frozenset({6}), 90, 30)
@example(("Pacific/Apia", at("Pacific/Apia", 2011, 12, 31, 1, 0)), frozenset({3}), 1320, 240)
def test_a_window_is_where_looking_at_the_clock_finds_it(
    moment: tuple[str, float], days: frozenset[int], start: int, length: int
) -> None:
    zone, now = moment
    weekly = Weekly(days, start, length, zone)
    assert weekly.covers(now) is covers(weekly, now)


@given(moments(), DAYS, STARTS, LENGTHS)
def test_windows_come_in_order_and_say_where_it_holds(
    moment: tuple[str, float], days: frozenset[int], start: int, length: int
) -> None:
    zone, now = moment
    weekly = Weekly(days, start, length, zone)
    windows = list(weekly.windows(now))
    assert windows == sorted(windows)
    assert all(ended > now and ended - begun == 60 * length for begun, ended in windows)
    assert (windows[0][0] <= now) is weekly.covers(now)
    # At least one in each week.
    assert windows[0][0] <= now + 8 * 86400


def test_the_same_minute_of_a_year_is_covered_whatever_the_clock_does() -> None:
    """Each Saturday's window begins once, lasts as long, and begins when the clock shows so."""
    weekly = Weekly(frozenset({5}), 22 * 60, 240, "Europe/Lisbon")
    now, inside, spans = at("UTC", 2026, 1, 1), False, []
    while now < at("UTC", 2027, 1, 1):
        if weekly.covers(now) is not inside:
            inside = not inside
            spans.append(now)
        now += 300
    starts, ends = spans[::2], spans[1::2]
    assert [end - start for start, end in zip(starts, ends, strict=True)] == [4 * 3600.0] * 52
    shown = {datetime.fromtimestamp(one, ZoneInfo("Europe/Lisbon")).hour for one in starts}
    assert shown == {22}


def test_in_an_unknown_zone_there_is_no_window() -> None:
    weekly = Weekly(frozenset(range(7)), 0, MINUTES_A_DAY, "Mars/Olympus")
    assert not weekly.covers(1e9)
    assert list(weekly.windows(1e9)) == []


SILENCE = Silence(100.0, 200.0, "disk swap", "ada", "db*", "disk", {"site": "lis*"}, id=3)
DB = Subject("a1", "DB1", {"site": "lisbon", "row": "2"}, "disk[/var]", ("10.0.0.1",))


@pytest.mark.parametrize(
    ("change", "subject", "matched"),
    [
        ({}, {}, True),
        ({}, {"sensor": "disk"}, True),
        ({}, {"sensor": "diskio"}, False),
        ({}, {"sensor": ""}, False),
        ({}, {"hostname": "web1"}, False),
        ({}, {"labels": {"site": "porto"}}, False),
        ({}, {"labels": {}}, False),
        ({"server": "a1"}, {}, True),
        ({"server": "10.0.0.*"}, {}, True),
        ({"sensor": "disk[/var]"}, {}, True),
        ({"sensor": "disk[/v*]"}, {}, True),
        ({"sensor": "disk[/]"}, {}, False),
        ({"sensor": "dis[k]"}, {}, False),
        ({"sensor": "*"}, {"sensor": ""}, True),
        ({"sensor": "DISK"}, {}, True),
    ],
)
def test_it_matches_what_all_its_globs_match(
    change: dict[str, str], subject: dict[str, object], matched: bool
) -> None:
    silence = replace(SILENCE, **change)  # type: ignore[arg-type]
    assert silence.matches(replace(DB, **subject)) is matched  # type: ignore[arg-type]


TIMES = st.sampled_from([0.0, 50.0, 99.9, 100.0, 150.0, 200.0, 250.0, inf])
SILENCES = st.builds(
    lambda starts, ends, globs, labels, number: Silence(
        starts, ends, "r", "ada", globs[0], globs[1], labels, id=number
    ),
    TIMES.filter(lambda one: one != inf),
    TIMES,
    st.tuples(
        st.sampled_from(["*", "db*", "DB1", "web*", "a1", "10.0.0.1", "d[ab]1", "**", "?b1"]),
        st.sampled_from(["*", "disk", "load", "DISK[/var]", "disk[*]", "disk[/v?r]", "d*"]),
    ),
    st.sampled_from([{}, {}, {"site": "lis*"}, {"site": "LISBON"}, {"rack": "*"}]),
    st.integers(1, 9),
)
NOWS = st.sampled_from([0.0, 99.9, 100.0, 150.0, 199.9, 200.0, 300.0])
SUBJECTS = st.sampled_from([DB, replace(DB, sensor=""), replace(DB, hostname="web1", addresses=())])


NAMED = Silence(0, inf, "r", "ada", "DB1", "disk[/v*]", id=1)
WIDE = Silence(0, 200, "r", "ada", "d[ab]*", "disk", {"site": "lis*"}, id=2)


@given(st.lists(SILENCES | st.integers(1, 9)), SUBJECTS, NOWS)
@example([NAMED], DB, 150.0)
@example([NAMED, WIDE], DB, 150.0)
@example([NAMED, 1], DB, 150.0)
@example([WIDE, NAMED, replace(NAMED, server="web1")], DB, 150.0)
def test_what_holds_and_ends_last_is_what_silences(
    steps: list[Silence | int], subject: Subject, now: float
) -> None:
    """Silences are put, and (by their number) dropped; what is left is looked through one by
    one."""
    silencing, left = Silencing(()), dict[int, Silence]()
    for one in steps:
        if isinstance(one, int):
            silencing.drop(one)
            left.pop(one, None)
        else:
            silencing.put(one)
            left[one.id] = one
    assert silencing.by_id == left
    on = [one for one in left.values() if one.holds(now) and one.matches(subject)]
    found = silencing.find(subject, now)
    assert (found is None) is (not on)
    if found is not None:
        assert found in on
        assert found.ends == max(one.ends for one in on)
    labels = ["load", "disk", "disk[/var]", subject.sensor]
    server = replace(subject, sensor="")
    muted = silencing.muted(server, labels, now)
    if silencing.find(server, now) is not None:
        assert muted == ALL
    else:
        assert muted == {
            one for one in labels if silencing.find(replace(subject, sensor=one), now) is not None
        }


@given(SILENCES, st.lists(TIMES.filter(lambda one: one != inf), max_size=12))
def test_beginning_and_end_are_told_once_each_whenever_somebody_looks(
    silence: Silence, times: list[float]
) -> None:
    told: list[str] = []
    for now in times:  # also where the clock is set back
        while (after := to_tell(silence, now)) is not None:
            told.append("end" if after.told_end else "begin")
            assert now >= (after.ends if after.told_end else after.starts)
            silence = after
    latest = max(times, default=-1.0)
    ever = silence.starts < silence.ends
    expected = ["begin"] if ever and latest >= silence.starts else []
    assert told == expected + (["end"] if latest >= silence.ends else [])


@given(moments(), DAYS, STARTS, LENGTHS, st.integers(-3, 3), st.integers(0, 9))
def test_it_holds_where_its_window_says(
    moment: tuple[str, float], days: frozenset[int], start: int, length: int, back: int, ahead: int
) -> None:
    zone, now = moment
    weekly = Weekly(days, start, length, zone)
    starts = now + 43_200.0 * back
    silence = Silence(starts, starts + 43_200.0 * ahead, "r", "ada", weekly=weekly)
    window = silence.window(now)
    assert (window is not None and window[0] <= now) is silence.holds(now)
    if window is not None:
        begun, ended = window
        assert silence.starts <= begun < ended <= silence.ends
        assert now < ended
        assert silence.holds(max(now, begun))
        assert not silence.holds(ended) or covers(weekly, ended)


def test_its_window_is_what_it_leaves_of_the_week() -> None:
    weekly = Weekly(frozenset({5}), 22 * 60, 240, "Europe/Lisbon")
    saturday = at("Europe/Lisbon", 2026, 11, 28, 22)
    silence = Silence(saturday + 3600, saturday + 7200, "r", "ada", weekly=weekly)
    assert silence.window(saturday) == (saturday + 3600, saturday + 7200)
    assert silence.window(saturday + 5000) == (saturday + 3600, saturday + 7200)
    assert silence.window(saturday + 7200) is None
    for_ever = Silence(saturday - 10, inf, "r", "ada", weekly=weekly)
    assert for_ever.window(saturday + 4 * 3600) == (saturday + 7 * 86400, saturday + 604800 + 14400)
    monday = saturday + 2 * 86400
    assert Silence(monday, monday + 7200, "r", "ada", weekly=weekly).window(saturday) is None


def test_it_says_what_it_is_about() -> None:
    assert SILENCE.what == "disk on db*, site=lis*"
    assert Silence(0, 1, "r", "ada").what == "everything"
    assert Silence(0, 1, "r", "ada", sensor="load").what == "load"
    weekly = Weekly(frozenset({6, 5}), 22 * 60, 240, "Europe/Lisbon")
    assert replace(SILENCE, ends=0.0).when == "until 1970-01-01 00:00 UTC"
    assert (
        replace(SILENCE, ends=inf, weekly=weekly).when
        == "until it is ended, on sat,sun 22:00-02:00 Europe/Lisbon"
    )


@pytest.mark.parametrize(
    ("change", "everything"),
    [
        ({"server": "*", "sensor": "*", "labels": {}}, True),
        ({"server": "?*", "sensor": "**", "labels": {}}, True),
        ({"server": "*", "sensor": "*"}, False),
        ({"server": "*", "labels": {}}, False),
        ({"sensor": "*", "labels": {}}, False),
    ],
)
def test_one_that_leaves_nothing_out_is_known(change: dict[str, object], everything: bool) -> None:
    assert replace(SILENCE, **change).is_about_everything is everything  # type: ignore[arg-type]


def test_it_stands_in_time() -> None:
    states = [SILENCE.state(now) for now in (99, 100, 199, 200)]
    pending, active, expired = SilenceState
    assert states == [pending, active, active, expired]


def test_what_was_said_to_be_over_stays_so_when_the_clock_is_set_back() -> None:
    told = to_tell(SILENCE, 150)
    assert told is not None
    told = to_tell(told, 200)
    assert told is not None
    assert told.told_end
    assert told.state(150) is SilenceState.EXPIRED
    assert not told.holds(150)
    assert told.window(150) is None
    assert to_tell(told, 300) is None
