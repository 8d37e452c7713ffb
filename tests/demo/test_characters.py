"""How the characters conduct themselves in time."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from outkept.demo.characters import Character, Conduct, conduct, garbage

seeds = st.integers(0, 1 << 48)
DAY = 86400


@given(character=st.sampled_from(Character), seed=seeds, t=st.floats(0, DAY))
def test_conduct_repeats_and_stays_sane(character: Character, seed: int, t: float) -> None:
    now = conduct(character, seed, t)
    assert now == conduct(character, seed, t)
    assert 1 <= now.channels <= 10
    assert 0 <= now.delay < 5
    assert 0 <= now.login_delay < 2


@given(character=st.sampled_from(Character), seed=seeds, t=st.floats(0, 15))
def test_everybody_is_there_at_first(character: Character, seed: int, t: float) -> None:
    now = conduct(character, seed, t)
    assert now.present
    assert now.key == 0
    assert now.delay < 1


@given(seed=seeds)
def test_a_server_drops_off_and_comes_back_every_minute_or_so(seed: int) -> None:
    there = [conduct(Character.DROPPING_OFF, seed, t).present for t in range(150)]
    turns = sum(one != other for one, other in pairwise(there))
    assert turns >= 4
    assert 0.6 < sum(there) / len(there) < 0.85


@given(seed=seeds)
def test_a_host_key_changes_once_between_60_and_90_seconds(seed: int) -> None:
    keys = [conduct(Character.CHANGING_KEY, seed, t).key for t in range(DAY // 60)]
    assert keys == sorted(keys)
    assert set(keys) == {0, 1}
    assert 60 <= keys.index(1) <= 91


@given(seed=seeds)
def test_the_starved_server_struggles_and_recovers_by_turns(seed: int) -> None:
    delays = [conduct(Character.FEW_CHANNELS, seed, t).delay for t in range(300)]
    assert max(delays) > 1
    assert all(delay < 0.1 for delay in delays[:20] + delays[90:150])
    assert {conduct(Character.FEW_CHANNELS, seed, t).channels for t in range(300)} == {2}


def test_a_healthy_server_is_prompt() -> None:
    assert conduct(Character.HEALTHY, 1, 1.0) == Conduct()


@given(seed=seeds)
def test_garbage_is_of_many_kinds(seed: int) -> None:
    kinds = {garbage(seed, f"sensor {i}", 0) for i in range(200)}
    assert b"" in kinds
    assert len(kinds) > 8
