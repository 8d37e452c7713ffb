from outkept.poll.lateness import BOUNDS, Lateness


def test_each_reading_is_counted_at_and_above_its_lateness() -> None:
    lateness = Lateness()
    for seconds in (-0.001, 0.005, 0.2, 61.0):
        lateness.note(seconds)
    counts = dict(lateness.cumulative())
    assert counts["0.005"] == counts["0.1"] == 2
    assert counts["0.25"] == counts["60"] == 3
    assert counts["+Inf"] == 4
    assert lateness.total_s == 0.005 + 0.2 + 61.0


def test_the_histogram_never_grows() -> None:
    lateness = Lateness()
    for tenth in range(10_000):
        lateness.note(tenth / 10)
    assert len(lateness.cumulative()) == len(BOUNDS) + 1
