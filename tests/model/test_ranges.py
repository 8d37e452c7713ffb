"""Ranges: what is read, what is refused and how, what is left after exclusions."""

import contextlib
import itertools
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.model.ranges import Range, Span, parse_span, subtract


def span_of(first: str, last: str) -> Span:
    ends = ip_address(first), ip_address(last)
    return Span(ends[0].version, int(ends[0]), int(ends[1]))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("10.0.0.0/24", "10.0.0.1", "10.0.0.254"),
        ("10.0.0.0/255.255.255.0", "10.0.0.1", "10.0.0.254"),
        ("10.0.0.0/30", "10.0.0.1", "10.0.0.2"),
        ("10.0.0.0/31", "10.0.0.0", "10.0.0.1"),
        ("10.0.0.7/32", "10.0.0.7", "10.0.0.7"),
        ("10.0.0.7", "10.0.0.7", "10.0.0.7"),
        (" 10.0.0.2 - 10.0.1.9 ", "10.0.0.2", "10.0.1.9"),
        ("10.0.0.2-9", "10.0.0.2", "10.0.0.9"),
        ("fd00::/120", "fd00::", "fd00::ff"),
        ("fd00::1-fd00::9", "fd00::1", "fd00::9"),
        ("fd00::1", "fd00::1", "fd00::1"),
        ("10.0.0.0/8", "10.0.0.1", "10.255.255.254"),
    ],
)
def test_a_range_is_read(text: str, first: str, last: str) -> None:
    assert parse_span(text) == span_of(first, last)


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("10.0.0.0/33", "write it as 10.0.0.0/24"),
        ("10.0.0", "write it as 10.0.0.0/24"),
        ("10.0.0.2-", "write it as 10.0.0.0/24"),
        ("10.0.0.2-٣", "write it as 10.0.0.0/24"),
        ("10.0.0.2-300", "write it as 10.0.0.0/24"),
        ("010.0.0.1", "write it as 10.0.0.0/24"),
        ("::1-5", "write it as 10.0.0.0/24"),
        ("", "write it as 10.0.0.0/24"),
        ("10.0.0.9/24", "it has host bits set; write 10.0.0.0/24"),
        ("10.0.0.9-10.0.0.2", "it ends before it starts; write 10.0.0.2-10.0.0.9"),
        ("10.0.0.9-2", "it ends before it starts; write 10.0.0.2-10.0.0.9"),
        ("10.0.0.1-fd00::1", "different IP versions; write two IPv4 or two IPv6"),
        ("fe80::1%eth0", "leave out the zone"),
        ("fe80::%eth0/120", "leave out the zone"),
        ("0.0.0.0/0", "has 4,294,967,294 addresses"),
        ("fd00::/64", "has 18,446,744,073,709,551,616 addresses"),
        ("::/0", "name a smaller range"),
        ("fd00::1-fd00:ffff::", "name a smaller range"),
    ],
)
def test_what_is_no_range_is_refused_with_a_way_to_mend_it(text: str, mend: str) -> None:
    with pytest.raises(ValueError, match=r"addresses|is not a range") as refused:
        parse_span(text)
    assert mend in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_value_error(text: str) -> None:
    for whole in (False, True):
        with contextlib.suppress(ValueError):
            assert parse_span(text, whole=whole).count > 0


def test_an_exclusion_covers_network_and_broadcast_addresses() -> None:
    assert parse_span("10.0.0.0/24", whole=True) == span_of("10.0.0.0", "10.0.0.255")


def test_an_exclusion_may_be_larger_than_any_range() -> None:
    left = subtract([parse_span("fd00::/112")], [parse_span("fd00::/64", whole=True)])
    assert left == ()


spans = st.builds(
    lambda version, first, size: Span(version, first, first + size),
    st.sampled_from([4, 6]),
    st.integers(0, 60),
    st.integers(0, 20),
)


def members(of: list[Span]) -> set[tuple[int, int]]:
    return {(span.version, at) for span in of for at in range(span.first, span.last + 1)}


@given(st.lists(spans, max_size=8), st.lists(spans, max_size=8))
def test_subtraction_is_that_of_sets_and_leaves_sorted_separate_spans(
    wanted: list[Span], holes: list[Span]
) -> None:
    left = list(subtract(wanted, holes))
    assert members(left) == members(wanted) - members(holes)
    assert left == sorted(left)
    for before, after in itertools.pairwise(left):
        assert before.version != after.version or before.last + 1 < after.first


@given(st.lists(spans, max_size=8))
def test_every_address_of_a_range_is_in_it_once(wanted: list[Span]) -> None:
    rng = Range("x", subtract(wanted, []))
    addresses = [rng.address(at) for at in range(len(rng))]
    assert len(set(addresses)) == len(addresses) == len(members(wanted))
    assert all(address in rng for address in addresses)


def test_addresses_outside_a_range_are_not_in_it() -> None:
    rng = Range("x", subtract([parse_span("10.0.0.0/24")], [parse_span("10.0.0.8-9", whole=True)]))
    assert "10.0.0.7" in rng
    for other in ("10.0.0.8", "10.0.0.0", "10.0.1.1", "::a00:7", "nonsense", None, 7.5):
        assert other not in rng


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_a_range_is_refused(index: int) -> None:
    with pytest.raises(IndexError):
        Range("x", (parse_span("10.0.0.1-3"),)).address(index)
    with pytest.raises(IndexError):
        parse_span("10.0.0.1-3").address(index)
