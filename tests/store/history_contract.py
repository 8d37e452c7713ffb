"""What every history engine must do; a test module of its own subclasses this for each."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outkept.model.reading import Reading, Sample
from outkept.store.history import (
    MOST_INSTANCES,
    HeatWindow,
    History,
    LastReading,
    Point,
    Retention,
    SeriesKey,
    Window,
)
from tests.store.values import reading

HOUR = 3600.0
DAY = 86400.0
START = 1_699_920_000.0
"""A midnight, so that steps of every tier begin here."""
RETENTION = Retention(raw=2 * HOUR, minutes=2 * DAY, hours=10 * DAY)
KEY = SeriesKey("a", "load")
SECONDS = st.integers(0, 5 * 3600)


class Bench(Protocol):
    """An engine, and how to have what it did count."""

    @property
    def history(self) -> History: ...

    def add(self, *readings: Reading) -> int: ...
    def fail_after(self, *readings: Reading) -> None: ...
    def maintain(self, now: float) -> int: ...
    def remove(self, server: str) -> None: ...
    def rows(self) -> int: ...
    def close(self) -> None: ...


def naive(values: dict[float, float], from_: float, width: float, count: int) -> list[Point]:
    points = []
    for index in range(count):
        start = from_ + index * width
        inside = [value for at, value in values.items() if start <= at < start + width]
        if inside:
            points.append((start, min(inside), math.fsum(inside) / len(inside), max(inside)))
    return points


def same(found: list[Point], expected: list[Point]) -> bool:
    return len(found) == len(expected) and all(
        a == pytest.approx(b, rel=1e-9, abs=1e-6) for a, b in zip(found, expected, strict=True)
    )


class HistoryContract:
    @abstractmethod
    def make(self) -> Bench: ...

    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        made = self.make()
        yield made
        made.close()

    def test_a_bucket_has_the_least_the_mean_and_the_greatest_value(self, bench: Bench) -> None:
        bench.add(reading(1, START), reading(6, START + 1), reading(2, START + 9.5))
        bench.add(reading(7, START + 25))
        assert bench.history.query(KEY, Window(START, START + 30, 3)) == [
            (START, 1.0, 3.0, 6.0),
            (START + 20, 7.0, 7.0, 7.0),
        ]

    def test_the_end_of_a_window_is_outside_it(self, bench: Bench) -> None:
        bench.add(reading(1, START), reading(2, START + 10))
        assert bench.history.query(KEY, Window(START, START + 10, 1)) == [(START, 1, 1, 1)]
        assert bench.history.query(KEY, Window(START, START, 5)) == []

    def test_series_are_kept_apart(self, bench: Bench) -> None:
        bench.add(
            Reading("a", "disk", START, (Sample("/", 1.0), Sample("", 2.0), Sample(None, 3.0))),
            Reading("b", "disk", START, (Sample("/", 4.0),)),
        )
        for server, instance, value in (("a", "/", 1), ("a", "", 2), ("a", None, 3), ("b", "/", 4)):
            key = SeriesKey(server, "disk", instance)
            assert bench.history.query(key, Window(START, START + 1, 1))[0][1] == value
        assert bench.history.query(SeriesKey("c", "disk"), Window(START, START + 1, 1)) == []

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e301])
    def test_what_is_not_finite_is_refused(self, bench: Bench, value: float) -> None:
        assert bench.add(reading(value, START), reading(1, START + 1)) == 1
        assert bench.add(reading(1, math.nan)) == 1
        assert len(bench.history.query(KEY, Window(START, START + 2, 2))) == 1

    def test_names_that_are_not_utf8_are_kept_as_well_as_they_can(self, bench: Bench) -> None:
        broken = "load\udcff"
        bench.add(reading(1, START, sensor=broken), reading(2, START + 1, sensor=broken))
        assert len(bench.history.query(SeriesKey("a", broken), Window(START, START + 2, 2))) == 2

    def test_a_server_can_not_make_up_series_without_end(self, bench: Bench) -> None:
        samples = tuple(Sample(str(number), 1.0) for number in range(MOST_INSTANCES + 5))
        assert bench.add(Reading("a", "made-up", START, samples)) == 5
        assert bench.add(Reading("a", "made-up", START, (Sample("one more", 1.0),))) == 1
        assert len(bench.history.last()) == MOST_INSTANCES

    def test_series_that_fell_silent_make_room_for_new_ones(self, bench: Bench) -> None:
        samples = tuple(Sample(str(number), 1.0) for number in range(MOST_INSTANCES))
        bench.add(Reading("a", "containers", START, samples))
        bench.maintain(START + DAY)
        assert bench.add(Reading("a", "containers", START + DAY, (Sample("new", 1.0),))) == 0

    def test_every_tier_answers_for_its_time(self, bench: Bench) -> None:
        now = START + 5 * DAY
        for at in (START, START + 30, now - DAY, now - DAY + 30, now - 60, now - 30):
            bench.add(reading(at - START, at))
        bench.maintain(now)
        window = Window(START, now, 5000)
        assert [point[1:] for point in bench.history.query(KEY, window)] == [
            (0, 15, 30),
            (4 * DAY, 4 * DAY + 15, 4 * DAY + 30),
            (5 * DAY - 60, 5 * DAY - 45, 5 * DAY - 30),
        ]
        fine = bench.history.query(KEY, Window(now - 60, now, 60))
        assert [point[0] - now for point in fine] == [-60, -30]

    def test_maintaining_twice_changes_nothing(self, bench: Bench) -> None:
        bench.add(*(reading(second % 7, START + second) for second in range(0, 7200, 10)))
        bench.maintain(START + 6 * HOUR)
        rows = bench.rows()
        before = bench.history.query(KEY, Window(START, START + 7200, 100))
        assert bench.maintain(START + 6 * HOUR) == 0
        assert bench.rows() == rows
        assert bench.history.query(KEY, Window(START, START + 7200, 100)) == before

    def test_a_late_reading_is_rolled_up_with_its_hour(self, bench: Bench) -> None:
        bench.add(reading(1, START + 10))
        bench.maintain(START + HOUR + 61)
        assert bench.add(reading(3, START + 20)) == 0
        bench.maintain(START + 30 * HOUR)
        assert bench.history.query(KEY, Window(START, START + HOUR, 1)) == [(START, 1, 2, 3)]

    def test_a_reading_older_than_the_raw_tier_is_refused(self, bench: Bench) -> None:
        bench.add(reading(1, START))
        bench.maintain(START + 30 * HOUR)
        assert bench.add(reading(2, START + 1)) == 1

    def test_nothing_is_left_when_the_last_tier_has_expired(self, bench: Bench) -> None:
        bench.add(reading(1, START), reading("up", START, sensor="state"))
        bench.maintain(START + 30 * DAY)
        assert bench.rows() == 0
        assert bench.history.last() == []

    def test_a_removed_server_takes_its_history_along(self, bench: Bench) -> None:
        for at in (START, START + 20 * HOUR):
            bench.add(reading(1, at), reading("up", at, sensor="state"))
            bench.add(Reading("a", "broken", at, failure="exit status 1"))
        bench.maintain(START + 20 * HOUR)
        bench.add(reading(5, START + 20 * HOUR, server="b"))
        bench.remove("a")
        assert bench.history.query(KEY, Window(START, START + DAY, 10)) == []
        assert [last.server for last in bench.history.last()] == ["b"]
        bench.maintain(START + 20 * HOUR)
        assert bench.rows() == 1
        bench.add(reading(9, START + 20 * HOUR))
        points = bench.history.query(KEY, Window(START, START + DAY, 1))
        assert points == [(START, 9, 9, 9)]

    def test_of_texts_the_changes_are_kept(self, bench: Bench) -> None:
        for second, text in enumerate(("up", "up", "down", "down", "up")):
            bench.add(reading(text, START + second))
        changes = [(START, "up"), (START + 2, "down"), (START + 4, "up")]
        assert bench.history.texts(KEY, START, START + 9, 10) == changes
        assert bench.history.texts(KEY, START, START + 9, 2) == changes[1:]
        bench.maintain(START + 3 * DAY)
        assert bench.history.texts(KEY, START, START + 9, 10) == changes[2:]

    def test_the_last_reading_comes_with_why_its_sensor_failed_since(self, bench: Bench) -> None:
        bench.add(reading(1, START), reading("up", START, sensor="state"))
        bench.add(Reading("a", "load", START + 5, failure="timed out"))
        bench.add(Reading("a", "never", START + 6, failure="not found"))
        found = sorted(bench.history.last(), key=lambda last: last.sensor)
        assert found == [
            LastReading("a", "load", None, 1.0, START, "timed out"),
            LastReading("a", "never", None, None, START + 6, "not found"),
            LastReading("a", "state", None, "up", START, None),
        ]
        bench.add(reading(2, START + 10))
        last = next(last for last in bench.history.last() if last.sensor == "load")
        assert last == LastReading("a", "load", None, 2.0, START + 10, None)

    def test_a_transaction_that_failed_leaves_nothing_behind(self, bench: Bench) -> None:
        bench.add(reading("up", START, sensor="state"))
        bench.fail_after(reading(1, START), reading("down", START + 1, sensor="state"))
        assert [last.value for last in bench.history.last()] == ["up"]
        bench.add(reading(2, START + 2), reading("down", START + 3, sensor="state"))
        assert bench.history.query(KEY, Window(START, START + 3, 1)) == [(START, 2, 2, 2)]
        state = SeriesKey("a", "state")
        assert bench.history.texts(state, START, START + 9, 9)[1:] == [(START + 3, "down")]

    @pytest.mark.parametrize(("from_", "to", "points"), [(2, 1, 5), (0, 1, 0), (0, 1, 5001)])
    def test_a_window_that_makes_no_sense_is_refused(
        self, from_: float, to: float, points: int
    ) -> None:
        with pytest.raises(ValueError, match="must"):
            Window(from_, to, points)

    @settings(max_examples=60, deadline=None)
    @given(
        batches=st.lists(
            st.dictionaries(SECONDS, st.floats(-1e9, 1e9), max_size=40), min_size=1, max_size=4
        ),
        clock=st.lists(st.integers(0, 30 * 3600), min_size=4, max_size=4),
    )
    def test_every_tier_agrees_with_a_naive_model(
        self, batches: list[dict[int, float]], clock: list[int]
    ) -> None:
        """Buckets of whole hours are those of which every tier knows the truth. Readings come
        in any order, while the clock goes on and rollup and retention do their work."""
        bench = self.make()
        values: dict[float, float] = {}
        for batch, passed in zip(batches, sorted(clock), strict=False):
            for second, value in batch.items():
                if bench.add(reading(value, START + second)) == 0:
                    values[START + second] = value
            bench.maintain(START + passed)
            for count in (6, 1):
                found = bench.history.query(KEY, Window(START, START + 6 * HOUR, count))
                assert same(found, naive(values, START, 6 * HOUR / count, count))
        bench.close()

    def test_a_heat_map_has_a_row_for_each_series_and_the_mean_of_each_column(
        self, bench: Bench
    ) -> None:
        bench.add(reading(1, START), reading(3, START + 10), reading(5, START + HOUR, server="b"))
        bench.add(Reading("a", "disk", START, (Sample("/", 7.0), Sample("/var", 8.0))))
        rows = bench.history.heatmap("load", HeatWindow(START, START + 2 * HOUR, 2))
        assert [(row.server, row.instance, row.cells) for row in rows] == [
            ("a", None, (2.0, None)),
            ("b", None, (None, 5.0)),
        ]
        rows = bench.history.heatmap("disk", HeatWindow(START, START + HOUR, 1))
        assert [(row.instance, row.cells) for row in rows] == [("/", (7.0,)), ("/var", (8.0,))]

    def test_a_heat_map_leaves_out_who_said_nothing(self, bench: Bench) -> None:
        bench.add(reading(1, START), reading(3, START + 2 * HOUR, server="b"))
        rows = bench.history.heatmap("load", HeatWindow(START, START + HOUR, 4))
        assert [row.server for row in rows] == ["a"]
        assert bench.history.heatmap("none", HeatWindow(START, START + HOUR, 4)) == []

    @pytest.mark.parametrize(("from_", "to", "columns"), [(2, 1, 5), (0, 1, 0), (0, 1, 1001)])
    def test_a_heat_map_that_makes_no_sense_is_refused(
        self, from_: float, to: float, columns: int
    ) -> None:
        with pytest.raises(ValueError, match="must"):
            HeatWindow(from_, to, columns)

    def test_a_heat_map_of_too_many_cells_is_refused(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("outkept.store.history.MOST_CELLS", 7)
        bench.add(reading(1, START), reading(2, START, server="b"))
        with pytest.raises(ValueError, match="3 at most"):
            bench.history.heatmap("load", HeatWindow(START, START + HOUR, 4))

    @settings(max_examples=40, deadline=None)
    @given(
        batches=st.lists(
            st.dictionaries(
                st.tuples(st.sampled_from("abc"), SECONDS), st.floats(-1e3, 1e3), max_size=40
            ),
            min_size=1,
            max_size=3,
        ),
        clock=st.lists(st.integers(0, 12 * 3600), min_size=3, max_size=3),
        columns=st.sampled_from((1, 2, 6, 24, 60)),
    )
    def test_heat_maps_agree_with_a_naive_model(
        self, batches: list[dict[tuple[str, int], float]], clock: list[int], columns: int
    ) -> None:
        """Columns of quarters of an hour and more; shorter ones as long as readings are kept."""
        bench = self.make()
        values: dict[str, dict[float, float]] = {}
        for batch, passed in zip(batches, sorted(clock), strict=False):
            for (name, second), value in batch.items():
                at = START + second
                # A heat map counts a reading that came twice twice.
                if at in values.get(name, {}):
                    continue
                if bench.add(reading(value, at, server=name)) == 0:
                    values.setdefault(name, {})[at] = value
            bench.maintain(START + passed)
        kept = sorted(clock)[len(batches) - 1] <= RETENTION.raw
        count = columns if kept else min(columns, 6)
        width = 6 * HOUR / count
        rows = bench.history.heatmap("load", HeatWindow(START, START + 6 * HOUR, count))
        assert [row.server for row in rows] == sorted(values)
        for row in rows:
            expected = naive(values[row.server], START, width, count)
            found = [
                (START + i * width, mean) for i, mean in enumerate(row.cells) if mean is not None
            ]
            assert [at for at, _ in found] == pytest.approx([point[0] for point in expected])
            assert [m for _, m in found] == [
                pytest.approx(point[2], rel=1e-5, abs=1e-2) for point in expected
            ]
        bench.close()

    @settings(max_examples=60, deadline=None)
    @given(
        values=st.dictionaries(SECONDS, st.floats(-1e9, 1e9), max_size=80),
        width=st.sampled_from((1, 7, 60, 613, 3600)),
        from_=SECONDS,
    )
    def test_fresh_readings_are_told_apart_to_the_second(
        self, values: dict[int, float], width: int, from_: int
    ) -> None:
        bench = self.make()
        bench.add(*(reading(value, START + second) for second, value in values.items()))
        window = Window(START + from_, START + from_ + 30 * width, 30)
        expected = naive({START + at: v for at, v in values.items()}, window.from_, width, 30)
        assert same(bench.history.query(KEY, window), expected)
        bench.close()
