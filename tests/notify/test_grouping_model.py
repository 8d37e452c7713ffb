"""What holds whatever happens, against a model that knows only what is open and who was told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from outkept.notify.message import Kind, Notice
from tests.notify.play import Play, routes

SERVERS = ("web1", "web2")
TARGETS = ("ops", "boss", "chat", "am")
DIRECT = frozenset({"am"})

names = st.lists(st.sampled_from(TARGETS), min_size=1, max_size=2)
seconds = st.sampled_from(["0s", "10s", "1m", "5m"])


@st.composite
def written_routes(draw: st.DrawFn) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for _ in range(draw(st.integers(1, 3))):
        route: dict[str, object] = {
            "to": draw(names),
            "group_by": draw(st.sampled_from([[], ["server"], ["site"]])),
            "group_wait": draw(seconds),
            "group_interval": draw(st.sampled_from(["1s", "1m", "5m"])),
            "repeat_interval": draw(st.sampled_from(["0s", "5m", "1h"])),
            "levels": draw(st.sampled_from([["warned", "alarmed"], ["alarmed"]])),
            "continue": draw(st.booleans()),
        }
        ahead = [("1m", "chat"), ("3m", "boss")] if draw(st.booleans()) else []
        to = route["to"]
        assert isinstance(to, list)
        route["steps"] = [{"after": after, "to": [name]} for after, name in ahead if name not in to]
        if draw(st.booleans()):
            route["quiet"] = {"from": "22:20", "to": "22:40"} | (
                {"except": ["alarmed"]} if draw(st.booleans()) else {}
            )
        found.append(route)
    return found


HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(
                [
                    "warned",
                    "alarmed",
                    "recovered",
                    "acknowledged",
                    "unacknowledged",
                    "flapping",
                    "not_mended",
                    "silence",
                    "unsilence",
                ]
            ),
            st.sampled_from(SERVERS),
        ),
        st.tuples(st.just("wait"), st.integers(1, 2000)),
    ),
    max_size=25,
)


@dataclass
class Model:
    """What is open, and what each target was told of it."""

    open: dict[str, int] = field(default_factory=dict)
    acknowledged: set[int] = field(default_factory=set)
    knows: set[tuple[str, int]] = field(default_factory=set)
    said: Counter[tuple[str, int, Kind]] = field(default_factory=Counter)
    unmended: Counter[int] = field(default_factory=Counter)
    ended: set[int] = field(default_factory=set)

    def check(self, notice: Notice, play: Play) -> None:
        mentioned = [mention.incident.id for mention in notice.mentions]
        assert len(mentioned) == len(set(mentioned)), "one notice says one thing of an incident"
        direct = notice.target in DIRECT
        for mention in notice.mentions:
            incident, key = mention.incident, (notice.target, mention.incident.id)
            once = (notice.target, incident.id, mention.kind)
            self.said[once] += 1
            if mention.kind is Kind.RECOVERED:
                assert incident.id in self.ended
                assert key in self.knows, "only those who were told hear of the end"
                self.knows.remove(key)
                continue
            assert incident.id not in self.ended
            assert incident.id not in play.held
            assert direct or incident.id not in self.acknowledged
            if mention.kind in (Kind.OPENED, Kind.ESCALATED):
                assert key not in self.knows, "one event is told once"
                self.knows.add(key)
            else:
                assert key in self.knows
            if direct:
                continue
            if mention.kind in (Kind.WORSE, Kind.FLAPPING):
                assert self.said[once] == 1
            if mention.kind is Kind.NOT_MENDED:
                assert self.said[once] <= self.unmended[incident.id]


@settings(max_examples=150, deadline=None)
@given(written_routes(), HAPPENINGS)
def test_nobody_hears_a_thing_twice_or_of_what_is_held(
    written: list[dict[str, object]], happenings: list[tuple[str, object]]
) -> None:
    play, model = Play(routes(*written), DIRECT), Model()
    _go_through(play, model, happenings)
    # In the end all is over and nothing holds: whoever knew of something hears its end, and
    # nothing is left behind.
    play.held.clear()
    _go_through(play, model, [("recovered", server) for server in model.open])
    _go_through(play, model, [("wait", 100_000)])
    assert not model.knows
    assert not list(play.grouping.cases())
    assert play.grouping.next_look() == float("inf")


@settings(max_examples=100, deadline=None)
@given(written_routes(), HAPPENINGS)
def test_what_stays_open_is_told_in_the_end(
    written: list[dict[str, object]], happenings: list[tuple[str, object]]
) -> None:
    play, model = Play(routes(*written), DIRECT), Model()
    _go_through(play, model, happenings)
    _go_through(play, model, [("free", "all")])
    taken_on = [server for server, id_ in model.open.items() if id_ in model.acknowledged]
    _go_through(play, model, [("unacknowledged", server) for server in taken_on])
    _go_through(play, model, [("wait", 100_000)])
    for case in play.grouping.cases():
        expected = {name for place in case.routes for name in play.routes[place].targets}
        assert case.told.keys() >= expected


def _go_through(play: Play, model: Model, happenings: Sequence[tuple[str, object]]) -> None:
    for what, about in happenings:
        seen = len(play.told)
        if what == "wait":
            assert isinstance(about, int)
            play.wait(about)
        else:
            _happen(play, model, what, str(about))
        for notice in play.told[seen:]:
            model.check(notice, play)


def _happen(play: Play, model: Model, what: str, server: str) -> None:
    id_ = model.open.get(server)
    if what in ("silence", "unsilence", "free"):
        play.held = set() if what == "free" else play.held ^ ({id_} if id_ is not None else set())
        play.look_again()
        return
    if id_ is None and what not in ("warned", "alarmed", "flapping"):
        return
    if id_ is not None:
        # The model knows first: what it says is told within the event.
        if what == "acknowledged":
            model.acknowledged.add(id_)
        elif what == "unacknowledged":
            model.acknowledged.discard(id_)
        elif what == "not_mended":
            model.unmended[id_] += 1
        elif what == "recovered":
            model.ended.add(id_)
            del model.open[server]
    new = play.event(what, server)
    if id_ is None:
        model.open[server] = new
