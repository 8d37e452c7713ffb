"""Outputs become samples only where they are exactly what the sensor promises."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.model.command import CommandResult
from outkept.model.reading import Sample
from outkept.model.sensor import Parse, Sensor
from outkept.poll.parse import MOST_SERIES, ParseError, parse_output


def samples(parse: Parse, output: str | bytes, status: int = 0) -> tuple[Sample, ...]:
    stdout = output if isinstance(output, bytes) else output.encode()
    return parse_output(Sensor("s", "cmd", parse=parse), CommandResult(status, stdout, b"oops\n"))


def refusal(parse: Parse, output: str | bytes, status: int = 0) -> str:
    with pytest.raises(ParseError) as caught:
        samples(parse, output, status)
    assert "\n" not in caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize(
    ("output", "value"),
    [("0.52\n", 0.52), (" 7 ", 7), ("-3", -3), ("1e3", 1000), (".5", 0.5), ("007", 7), ("+2.", 2)],
)
def test_a_number_is_read(output: str, value: float) -> None:
    assert samples(Parse.NUMBER, output) == (Sample(None, value),)


@pytest.mark.parametrize(
    "output",
    ["nan", "NaN", "inf", "-Infinity", "1e999", "12 13", "5%", "0x10", "1_000", "١٢", "abc", "--1"],
)
def test_what_is_not_a_finite_number_is_refused(output: str) -> None:
    assert "number" in refusal(Parse.NUMBER, output)


def test_a_decimal_comma_is_refused_with_its_cure() -> None:
    assert "LC_ALL=C" in refusal(Parse.NUMBER, "0,52")


@pytest.mark.parametrize("parse", list(Parse))
def test_empty_output_is_refused_and_says_what_stderr_said(parse: Parse) -> None:
    assert refusal(parse, " \n\n") == "empty output: oops"


@pytest.mark.parametrize("parse", [p for p in Parse if p is not Parse.NAGIOS])
def test_an_exit_status_is_a_failure_whatever_was_printed(parse: Parse) -> None:
    assert refusal(parse, "1", status=2) == "exit status 2: oops"


def test_text_is_the_first_line_without_control_or_reordering_characters() -> None:
    assert samples(Parse.TEXT, "a\x1b[31mb\u202ec\nsecond") == (Sample(None, "a [31mb c"),)


def test_bytes_that_are_not_utf8_are_replaced_in_text_and_refused_as_number() -> None:
    assert samples(Parse.TEXT, b"caf\xe9") == (Sample(None, "caf\ufffd"),)
    refusal(Parse.NUMBER, b"\xff\xfe1")


def test_a_table_has_one_series_a_line_and_instances_may_contain_spaces() -> None:
    assert samples(Parse.TABLE, "/ 41\n\n/mnt/my disk 7.5\n") == (
        Sample("/", 41),
        Sample("/mnt/my disk", 7.5),
    )


@pytest.mark.parametrize("output", ["/ 41\n/home", "/ x", "/ 1\n/ 2", "a 1\nb nan"])
def test_a_table_with_one_bad_line_is_refused_whole(output: str) -> None:
    refusal(Parse.TABLE, output)


def test_more_series_than_the_bound_are_refused() -> None:
    output = "".join(f"i{n} 1\n" for n in range(MOST_SERIES + 1))
    assert "1,001 series" in refusal(Parse.TABLE, output)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("3", (Sample(None, 3.0),)),
        ('"up"', (Sample(None, "up"),)),
        ("true", (Sample(None, 1.0),)),
        ('{"a": 1, "b": "x"}', (Sample("a", 1.0), Sample("b", "x"))),
    ],
)
def test_json_scalars_and_objects_of_scalars_are_read(
    output: str, expected: tuple[Sample, ...]
) -> None:
    assert samples(Parse.JSON, output) == expected


def test_halves_of_characters_which_no_disk_can_hold_tell_no_two_instances_apart() -> None:
    (sample,) = samples(Parse.JSON, r'{"a\ud800": "x\udfff"}')
    assert sample == Sample("a", "x")
    assert "twice" in refusal(Parse.JSON, r'{"a\ud800": 1, "a\ud801": 2}')
    assert samples(Parse.JSON, r'{"\ud83d\ude00": 1}') == (Sample("\U0001f600", 1.0),)


@pytest.mark.parametrize(
    "output",
    [
        "{",
        "NaN",
        '{"a": Infinity}',
        "null",
        "[1]",
        '{"a": {"b": 1}}',
        "{}",
        "[" * 100_000,
        "9" * 400,
    ],
)
def test_other_json_is_refused(output: str) -> None:
    refusal(Parse.JSON, output)


def test_a_nagios_plugin_gives_level_and_metrics() -> None:
    output = "DISK WARNING - 12% left | '/ it''s'=88%;80;90 /home=5GB;;;0"
    assert samples(Parse.NAGIOS, output, 1) == (
        Sample(None, 88, level=1),
        Sample("/home", 5, level=0),
    )


def test_a_nagios_plugin_without_metrics_gives_its_text() -> None:
    assert samples(Parse.NAGIOS, "PING CRITICAL\nmore", 2) == (
        Sample(None, "PING CRITICAL", level=2),
    )


@pytest.mark.parametrize("status", [3, 4, 127, -1])
def test_a_nagios_plugin_that_does_not_know_is_failed(status: int) -> None:
    assert refusal(Parse.NAGIOS, "UNKNOWN: no such host", status) == "UNKNOWN: no such host"


@given(st.binary(max_size=200), st.sampled_from(list(Parse)), st.integers(-1, 255))
def test_any_bytes_give_finite_samples_or_a_refusal(
    output: bytes, parse: Parse, status: int
) -> None:
    try:
        result = samples(parse, output, status)
    except ParseError:
        return
    assert result
    assert all(isinstance(s.value, str) or math.isfinite(s.value) for s in result)


_NAMES = st.text("abcxyz /.-", min_size=1).filter(lambda name: name == name.strip())


@given(st.dictionaries(_NAMES, st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_any_object_of_numbers_is_read(document: dict[str, float]) -> None:
    result = samples(Parse.JSON, json.dumps(document))
    assert {s.instance: s.value for s in result} == document
