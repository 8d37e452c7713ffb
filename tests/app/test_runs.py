"""What readers of a run see, whatever they miss in between."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.app import runs as module
from outkept.app.runs import Run, Runs, RunState, TooManyError

STATES = {"waiting": 0, "running": 1}


def run_on(runs: Runs, *servers: str) -> Run:
    """A run on these servers."""
    named = [(server, f"{server}.example", "true") for server in servers]
    return runs.add("pump", None, 1, by="ada", reason="", override=(), servers=named)


steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["begin", "hear", "end", "read"]),
        st.binary(max_size=6),
    ),
    max_size=40,
)


def play(run: Run, server: str, what: str, data: bytes) -> None:
    part = run.parts[server]
    if what == "begin" and part.state is RunState.WAITING:
        part.begin(1)
    elif what == "hear" and part.state is RunState.RUNNING:
        part.hear(data, error=False)
    elif what == "end" and not part.state.over:
        part.end(RunState.DONE, "")
    run.changed()


@given(steps)
def test_a_reader_gets_all_output_in_order_and_each_end_once(
    script: list[tuple[str, str, bytes]],
) -> None:
    async def seen() -> tuple[Run, list[dict[str, Any]]]:
        runs = Runs()
        run = run_on(runs, "a", "b")
        with runs.watch(run) as reader:
            lines = await reader.next()
            for server, what, data in script:
                if what == "read":
                    lines += reader.news()
                else:
                    play(run, server, what, data)
            for server in "ab":
                play(run, server, "end", b"")
            run.finish()
            while not reader.ended:
                lines += await reader.next()
        return run, lines

    run, lines = asyncio.run(seen())
    assert lines[0]["type"] == "run"
    assert lines[-1]["type"] == "end"
    for server, part in run.parts.items():
        own = [line for line in lines if line.get("server") == server]
        assert "".join(line.get("text", "") for line in own) == part.output()
        told = [line["state"] for line in own if line["type"] == "state"]
        assert told == sorted(set(told), key=lambda one: STATES.get(one, 2))
        assert own[-1]["state"] == "done"


def test_output_beyond_its_share_is_counted_and_dropped() -> None:
    part = run_on(Runs(), "a").parts["a"]
    for _ in range(20):
        part.hear(b"x" * 5000, error=False)
    assert part.length == len(part.output()) == module.MOST_OUTPUT
    assert part.dropped == 100_000 - module.MOST_OUTPUT
    many = run_on(Runs(), *map(str, range(500)))
    for part in many.parts.values():
        part.hear(b"x" * 10_000, error=False)
    assert sum(part.length for part in many.parts.values()) <= module.RUN_OUTPUT


def test_the_two_outputs_are_decoded_each_by_itself() -> None:
    part = run_on(Runs(), "a").parts["a"]
    part.hear("é".encode()[:1], error=False)
    part.hear(b"oh", error=True)
    part.hear("é".encode()[1:] + b"\xff", error=False)
    part.hear("é".encode()[:1], error=True)
    part.end(RunState.DONE, "")
    assert part.output() == "ohé\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def test_the_oldest_that_is_over_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 2)
    runs = Runs()
    first, second = run_on(runs, "a"), run_on(runs, "a")
    with pytest.raises(TooManyError, match="2 runs are under way"):
        run_on(runs, "a")
    second.finish()
    third = run_on(runs, "a")
    assert list(runs) == [third, first]
