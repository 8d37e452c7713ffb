"""The mirror of a daemon that `outkept top` keeps: frames in, state out."""

import contextlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.app.mirror import FrameError, Mirror
from outkept.serve.diff import Sent, difference


def sensor(name: str, value: float, status: str = "normal", instance: str | None = None) -> Any:
    return {"name": name, "instance": instance, "value": value, "status": status}


def server(name: str, status: str = "normal", *sensors: Any, **more: Any) -> Any:
    return {"id": name, "hostname": name, "status": status, "sensors": list(sensors), **more}


def snapshot(*servers: Any, seq: int = 7) -> Any:
    return {"type": "snapshot", "seq": seq, "now": 1000.0, "servers": list(servers)}


def delta(seq: int, *servers: Any, **more: Any) -> Any:
    return {"type": "delta", "seq": seq, "servers": list(servers), **more}


def mirrored(*frames: Any) -> Mirror:
    mirror = Mirror()
    for frame in frames:
        mirror.apply(frame)
    return mirror


def test_a_delta_changes_only_what_it_names() -> None:
    before = server("a", "normal", sensor("load", 1), sensor("disk", 50, instance="/"), port=22)
    changed = {"id": "a", "status": "alarmed", "sensors": [sensor("disk", 99, "alarmed", "/")]}
    mirror = mirrored(snapshot(before), delta(8, changed))
    after = mirror.servers["a"]
    assert (after["status"], after["port"]) == ("alarmed", 22)
    assert [one["value"] for one in after["sensors"]] == [1, 99]


def test_servers_and_sensors_come_and_go() -> None:
    first = server("a", "normal", sensor("load", 1), sensor("disk", 5, instance="/"))
    gone = {"a": [["disk", "/"]]}
    mirror = mirrored(
        snapshot(first, server("b")), delta(8, server("c"), gone=gone, removed=["b", "nobody"])
    )
    assert sorted(mirror.servers) == ["a", "c"]
    assert [one["name"] for one in mirror.servers["a"]["sensors"]] == ["load"]


def test_a_gap_asks_for_a_new_snapshot() -> None:
    mirror = mirrored(snapshot(server("a"), seq=7))
    with pytest.raises(FrameError):
        mirror.apply(delta(9, server("b")))


def test_a_delta_before_any_snapshot_is_refused() -> None:
    with pytest.raises(FrameError):
        Mirror().apply(delta(1))


def test_a_snapshot_replaces_everything() -> None:
    mirror = mirrored(snapshot(server("a")), snapshot(server("b"), seq=20), delta(21))
    assert list(mirror.servers) == ["b"]


def test_the_worst_come_first_and_the_rest_by_name() -> None:
    servers = (
        server("fine"),
        server("also fine"),
        server("queued", queued_up=True),
        server("failing", "normal", *[sensor(str(n), 0, "failed") for n in range(50)]),
        server("warned", "warned", sensor("load", 9, "warned"), queued_up=True),
        server("gone", "disconnected"),
        server("alarmed", "alarmed", sensor("load", 9, "alarmed")),
        server("barred", "quarantined"),
    )
    names = [one["id"] for one in mirrored(snapshot(*servers)).worst(100)]
    expected = ["barred", "alarmed", "gone", "warned", "queued", "failing"]
    assert names == [*expected, "also fine", "fine"]


def test_events_are_newest_first_and_each_once() -> None:
    mirror = mirrored(
        {"type": "event", "events": [{"id": 3}, {"id": 4}]},
        {"type": "event", "events": [{"id": 5}]},
    )
    mirror.remember([{"id": 4}, {"id": 2}, {"id": 1}])
    assert [event["id"] for event in mirror.events] == [5, 4, 3, 2, 1]


def test_stats_bring_counters_sweeps_and_the_clock() -> None:
    mirror = mirrored({"type": "stats", "now": 5.0, "servers": 3, "sweeps": [{"id": "s"}]})
    assert (mirror.now, mirror.stats["servers"], mirror.sweeps) == (5.0, 3, [{"id": "s"}])


def test_a_type_of_tomorrow_is_ignored() -> None:
    assert mirrored({"type": "weather"}).servers == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "instance", "a"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    st.sampled_from(["snapshot", "delta", "event", "stats"]),
    st.dictionaries(
        st.sampled_from(["seq", "servers", "gone", "removed", "events", "sweeps", "now"]),
        json_values,
    ),
)
def test_nonsense_is_refused_and_nothing_else(kind: str, content: dict[str, Any]) -> None:
    mirror = mirrored(snapshot(server("a")))
    with contextlib.suppress(FrameError):
        mirror.apply({**content, "type": kind})
    mirror.worst(10)
    assert mirror.counts is not None


values = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([None, "x"]), st.integers(0, 3)),
    unique_by=lambda one: one[:2],
)


@given(st.lists(values, min_size=1, max_size=5))
def test_the_mirror_ends_with_what_the_hub_had(
    states: list[list[tuple[str, str | None, int]]],
) -> None:
    history = [
        server("s", "normal", *[sensor(n, v, instance=i) for n, i, v in state]) for state in states
    ]
    mirror = mirrored(snapshot(history[0], seq=0))
    for seq, (old, new) in enumerate(pairwise(history), 1):
        changed, lost = difference(Sent(old), Sent(new))
        gone = {"s": [list(key) for key in lost]} if lost else {}
        mirror.apply(delta(seq, *([changed] if changed else []), gone=gone))
    by_key = {(s["name"], s["instance"]): s for s in mirror.servers["s"]["sensors"]}
    assert by_key == {(s["name"], s["instance"]): s for s in history[-1]["sensors"]}
