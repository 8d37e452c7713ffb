"""Addresses: how each address that was swept ended, and why."""

from dataclasses import dataclass
from enum import StrEnum

from outkept.model.server import Endpoint


class AddressOutcome(StrEnum):
    """The contract's states of a swept address."""

    SILENT = "silent"
    NOT_SSH = "not SSH"
    REFUSED_KEY = "refused key"
    HOST_KEY_REJECTED = "host key rejected"
    TIMED_OUT = "timed out"
    ERROR = "error"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class AddressState:
    """How one endpoint ended the last time it was tried.

    `refusals` counts logins refused in a row; before `retry_at` (UNIX seconds) it is not
    tried again. `server` is the id it led to, for outcome SERVER.
    """

    endpoint: Endpoint
    outcome: AddressOutcome
    reason: str
    at: float
    refusals: int = 0
    retry_at: float = 0.0
    server: str | None = None
