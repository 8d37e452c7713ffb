"""What verbs print of other people's text and numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.cli.render import figure, harmless, seconds


@given(st.text())
def test_no_text_can_steer_a_terminal(text: str) -> None:
    assert harmless(text).isprintable()


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (42.0, "%", "42 %"),
        (0.123456, "", "0.1235"),
        (1234567.0, "B/s", "1.23 MB/s"),
        (12725597.0, "s", "147d 6h"),
        (12.0, "s", "12 s"),
        (1.7e-05, "s", "1.7e-05 s"),
        ("6.1.0", "", "6.1.0"),
        (None, "%", "–"),
        (math.nan, "", "nan"),
        (10**400, "", str(10**400)),
    ],
)
def test_a_value_is_written_as_people_write_it(value: object, unit: str, written: str) -> None:
    assert figure(value, unit) == written


@pytest.mark.parametrize(
    ("value", "said"), [(0.0031, "3 ms"), (1.25, "1.2 s"), (250, "4m 10s"), (7260, "2h 1m")]
)
def test_a_duration_is_said_as_people_say_it(value: float, said: str) -> None:
    assert seconds(value) == said
