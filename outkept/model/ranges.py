"""Address ranges: CIDR networks and spans, with exclusions, as pure values."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

MOST_ADDRESSES = 1 << 24
"""A range larger than an IPv4 /8 is refused: at 1,000 addresses a second it takes
half a day, and an IPv6 /64 would take longer than the hardware lasts."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The addresses `first` to `last`, both included, of IP version `version`."""

    version: int
    first: int
    last: int

    def __len__(self) -> int:
        """Raises OverflowError beyond 2**63 - 1: `count` has no limit."""
        return self.count

    @property
    def count(self) -> int:
        """How many addresses these are."""
        return self.last - self.first + 1

    def address(self, index: int) -> str:
        """The `index`th address in canonical text form. Raises IndexError outside the span."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        cls = IPv4Address if self.version == 4 else IPv6Address
        return str(cls(self.first + index))


def parse_span(text: str, *, whole: bool = False) -> Span:
    """Read `10.0.0.0/24`, `10.0.0.2-10.0.0.9`, `10.0.0.2-9` or a single address.

    An IPv4 network of /30 or larger leaves out its network and broadcast addresses, which
    no host has, unless `whole` is true, as it must be for an exclusion. An exclusion may also
    be of any size: it is never walked.
    Raises ValueError with a message that says how to mend the text.
    """
    text = text.strip()
    try:
        span = _span_of_network(text, whole=whole) if "/" in text else _span_of_ends(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a range: {error}") from None
    if span.count > MOST_ADDRESSES and not whole:
        raise ValueError(
            f"{text!r} has {span.count:,} addresses; the most is {MOST_ADDRESSES:,}"
            " (an IPv4 /8 or an IPv6 /104): name a smaller range"
        )
    return span


def _span_of_network(text: str, *, whole: bool) -> Span:
    try:
        network = ip_network(text, strict=True)
    except ValueError:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise ValueError("write it as 10.0.0.0/24 or 10.0.0.2-10.0.0.9") from None
        raise ValueError(f"it has host bits set; write {network}") from None
    if getattr(network.network_address, "scope_id", None):
        raise ValueError("leave out the zone (%eth0)")
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.version == 4 and network.prefixlen <= 30 and not whole:
        first, last = first + 1, last - 1
    return Span(network.version, first, last)


def _span_of_ends(text: str) -> Span:
    start, dash, end = (part.strip() for part in text.partition("-"))
    try:
        first = ip_address(start)
        if dash and first.version == 4 and end.isdecimal():
            end = f"{start.rpartition('.')[0]}.{end}"
        last = ip_address(end) if dash else first
    except ValueError:
        raise ValueError("write it as 10.0.0.0/24 or 10.0.0.2-10.0.0.9") from None
    if getattr(first, "scope_id", None) or getattr(last, "scope_id", None):
        raise ValueError("leave out the zone (%eth0)")
    if first.version != last.version:
        raise ValueError("its ends are of different IP versions; write two IPv4 or two IPv6")
    if int(first) > int(last):
        raise ValueError(f"it ends before it starts; write {end}-{start}")
    return Span(first.version, int(first), int(last))


@dataclass(frozen=True, slots=True)
class Range:
    """One configured range: what to sweep and how to log in there.

    `spans` are what is left of the range after its exclusions, without overlaps.
    `every` is seconds between two sweeps. `user` None: the configuration's default.
    """

    text: str
    spans: tuple[Span, ...]
    ports: tuple[int, ...] = (22,)
    user: str | None = None
    every: float = 1800.0
    labels: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return sum(len(span) for span in self.spans)

    def address(self, index: int) -> str:
        """The `index`th address. Raises IndexError outside the range."""
        for span in self.spans:
            if index < len(span):
                return span.address(index)
            index -= len(span)
        raise IndexError(index)

    def __contains__(self, address: object) -> bool:
        try:
            ip = ip_address(str(address))
        except ValueError:
            return False
        firsts = [(span.version, span.first) for span in self.spans]
        at = bisect_right(firsts, (ip.version, int(ip))) - 1
        if at < 0:
            return False
        span = self.spans[at]
        return span.version == ip.version and span.first <= int(ip) <= span.last


def subtract(spans: Iterable[Span], excluded: Sequence[Span]) -> tuple[Span, ...]:
    """What is left of `spans` (merged and sorted) without `excluded`."""
    holes = _merged(excluded)
    return tuple(piece for span in _merged(spans) for piece in _pieces(span, holes))


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        last = merged[-1] if merged else None
        if last and last.version == span.version and span.first <= last.last + 1:
            merged[-1] = Span(span.version, last.first, max(last.last, span.last))
        else:
            merged.append(span)
    return merged


def _pieces(span: Span, holes: Sequence[Span]) -> Iterator[Span]:
    """What is left of one span. `holes` are sorted and don't overlap, so their ends are, too."""
    first = span.first
    at = bisect_left(holes, (span.version, first), key=lambda hole: (hole.version, hole.last))
    while at < len(holes) and holes[at].version == span.version and holes[at].first <= span.last:
        if first < holes[at].first:
            yield Span(span.version, first, holes[at].first - 1)
        first = holes[at].last + 1
        at += 1
    if first <= span.last:
        yield Span(span.version, first, span.last)
