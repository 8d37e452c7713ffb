"""Levels and statuses of sensors and servers, in the contract's words."""

from enum import StrEnum


class Level(StrEnum):
    """How bad a value is. Ordered by `severity`."""

    NORMAL = "normal"
    WARNED = "warned"
    ALARMED = "alarmed"

    @property
    def severity(self) -> int:
        """0 for normal, 1 for warned, 2 for alarmed."""
        return _SEVERITY[self]


_SEVERITY = {Level.NORMAL: 0, Level.WARNED: 1, Level.ALARMED: 2}


class SensorStatus(StrEnum):
    """What the API says of one sensor (series) on one server."""

    NORMAL = "normal"
    WARNED = "warned"
    ALARMED = "alarmed"
    FIRED = "fired"
    FAILED = "failed"
    STALE = "stale"
    UNKNOWN = "unknown"


class ServerStatus(StrEnum):
    """What the API says of one server."""

    NORMAL = "normal"
    WARNED = "warned"
    ALARMED = "alarmed"
    DISCONNECTED = "disconnected"
    QUARANTINED = "quarantined"
