"""Durations: what is read, and that what is written is read back."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.config.durations import format_duration, parse_duration, roughly
from outkept.config.problems import Mistake


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("1.5h", 5400.0),
        ("4d", 345600.0),
        ("2w", 1209600.0),
        ("2y", 63072000.0),
        ("7", 7.0),
        ("0", 0.0),
        (" 3 s ", 3.0),
        (7, 7.0),
        (0.25, 0.25),
    ],
)
def test_a_duration_is_read(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *("", "s", "5 parsecs", "-1s", "1h30m", "nan", "inf", "1e999s", "٣s", "1" * 500),
        *(-1, True, None, float("nan"), float("inf"), [5], {"s": 5}),
    ],
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(Mistake, match="is not a duration"):
        parse_duration(value)


@given(st.floats(min_value=0, max_value=1e12))
def test_a_written_duration_is_read_back_exactly(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(0, 10**9), st.sampled_from(["ms", "s", "m", "h", "d", "w", "y"]))
def test_a_duration_of_whole_units_is_written_without_fractions(count: int, unit: str) -> None:
    seconds = parse_duration(f"{count}{unit}")
    assert parse_duration(format_duration(seconds)) == seconds
    assert "." not in format_duration(seconds)


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_a_mistake(text: str) -> None:
    with contextlib.suppress(Mistake):
        assert parse_duration(text) >= 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "500ms"), (90, "90s"), (172800, "2d"), (31536000, "1y"), (0.0001, "0.0001s")],
)
def test_a_duration_is_written_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0s"), (119, "119s"), (120, "2m"), (421, "7m"), (7100, "118m"), (7300, "2h")],
)
def test_a_duration_for_people_is_rounded(seconds: float, text: str) -> None:
    assert roughly(seconds) == text
