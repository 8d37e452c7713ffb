"""What is known of every address that ever answered: outcome, refusals, when to try again."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from outkept.model.address import AddressOutcome, AddressState
from outkept.model.server import Endpoint

REJECTED_WAIT = 60.0
"""Seconds until an address whose host key was rejected is tried again: OpenSSH penalises
connections dropped before authentication with one second each."""


class Addresses:
    """Silent addresses are remembered only if they once were something else, so that a large
    range costs no more than the machines in it."""

    def __init__(self, states: Iterable[AddressState] = ()) -> None:
        self._states = {state.endpoint: state for state in states}

    def get(self, endpoint: Endpoint) -> AddressState | None:
        """How the endpoint ended last, None if nothing ever answered there."""
        return self._states.get(endpoint)

    def __iter__(self) -> Iterator[AddressState]:
        return iter(list(self._states.values()))

    def note(self, state: AddressState) -> AddressState | None:
        """Take a new outcome into account; what is remembered, None if nothing is."""
        before = self._states.get(state.endpoint)
        if state.outcome is AddressOutcome.SILENT and before is None:
            return None
        if state.outcome is AddressOutcome.HOST_KEY_REJECTED:
            state = replace(state, retry_at=state.at + REJECTED_WAIT)
        self._states[state.endpoint] = state
        return state

    def wait(self, endpoint: Endpoint, now: float) -> float:
        """Seconds for which the endpoint is left alone."""
        state = self._states.get(endpoint)
        return max(0.0, state.retry_at - now) if state is not None else 0.0
