"""When the daemon makes full garbage collections."""

import subprocess
import sys

import pytest

from outkept.app.heap import DAY_S, FEWEST_ENDED, Heap


def test_it_collects_once_as_many_connections_ended_as_there_are_servers() -> None:
    made: list[int] = []

    def collect() -> int:
        made.append(1)
        return 0

    heap = Heap(0.0, collect)
    for _ in range(1999):
        heap.ended()
    assert not heap.look(2000, 10.0)
    heap.ended()
    assert heap.look(2000, 10.0)
    assert made == [1]
    assert not heap.look(2000, 20.0)


def test_a_small_fleet_does_not_make_it_collect_for_every_loss() -> None:
    heap = Heap(0.0, lambda: 0)
    for _ in range(FEWEST_ENDED - 1):
        heap.ended()
    assert not heap.look(3, 1.0)
    heap.ended()
    assert heap.look(3, 1.0)


def test_it_collects_once_a_day_in_any_case() -> None:
    heap = Heap(100.0, lambda: 0)
    assert not heap.look(3, 100.0 + DAY_S - 1)
    assert heap.look(3, 100.0 + DAY_S)
    assert not heap.look(3, 100.0 + DAY_S + 60)


@pytest.mark.parametrize("ours", [True, False])
def test_python_makes_no_full_collection_by_itself(*, ours: bool) -> None:
    """In a process of its own, for it changes how garbage is collected."""
    program = f"""if True:
        import gc
        from outkept.app.heap import set_aside
        if {ours}:
            set_aside()
        before = gc.get_stats()[2]["collections"]
        kept = [[{{}}] for _ in range(300_000)]
        assert gc.get_stats()[1]["collections"] > 20
        print(gc.get_stats()[2]["collections"] - before)
    """
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (int(told.stdout) == 0) is ours
