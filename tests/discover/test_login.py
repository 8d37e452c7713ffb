import pytest

from outkept.discover.login import resting, state_after
from outkept.model.address import AddressOutcome as Outcome
from outkept.model.address import AddressState
from outkept.model.server import Endpoint
from outkept.ssh.errors import (
    Denied,
    HostKeyRejected,
    Lost,
    NotSSH,
    SSHError,
    TimedOut,
    Unreachable,
)

HERE = Endpoint("10.0.0.1")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Unreachable("why"), Outcome.SILENT),
        (TimedOut("why"), Outcome.TIMED_OUT),
        (NotSSH("why"), Outcome.NOT_SSH),
        (Denied("why"), Outcome.REFUSED_KEY),
        (HostKeyRejected("why", expected="a", offered="b"), Outcome.HOST_KEY_REJECTED),
        (Lost("why"), Outcome.ERROR),
        (SSHError("why"), Outcome.ERROR),
    ],
)
def test_each_failed_login_has_its_outcome_and_reason(error: SSHError, outcome: Outcome) -> None:
    state = state_after(error, HERE, 1000.0, 0.5)
    assert (state.endpoint, state.outcome, state.reason) == (HERE, outcome, "why")


def test_refusals_in_a_row_are_counted_and_rest_longer_each_time() -> None:
    state: AddressState | None = None
    rests = []
    for _ in range(4):
        state = state_after(Denied("no"), HERE, 1000.0, 0.5, state)
        rests.append(state.retry_at - 1000.0)
    assert state is not None
    assert state.refusals == 4
    assert rests == [60.0, 120.0, 240.0, 480.0]


def test_anything_but_a_refusal_ends_the_row() -> None:
    refused = state_after(Denied("no"), HERE, 1000.0, 0.5)
    assert state_after(TimedOut("slow"), HERE, 2000.0, 0.5, refused).refusals == 0


def test_an_endpoint_rests_until_its_time_has_come() -> None:
    refused = state_after(Denied("no"), HERE, 1000.0, 0.5)
    assert resting(refused, 1059.0) is refused
    assert resting(refused, 1060.0) is None
    assert resting(None, 0.0) is None
