"""The state on disk: inventory, events, actions, readings and their history.

The only package that knows SQLite. `Store` is the door; everything else is behind it.
"""

from outkept.store.errors import (
    StateDamaged,
    StateError,
    StateInUse,
    StateNewer,
    StateOlder,
    StateUnwritable,
    StoreError,
)
from outkept.store.history import HeatRow, LastReading, Point, Retention
from outkept.store.pace import Pace
from outkept.store.pages import Page
from outkept.store.store import Store, StoreStats

__all__ = [
    "HeatRow",
    "LastReading",
    "Pace",
    "Page",
    "Point",
    "Retention",
    "StateDamaged",
    "StateError",
    "StateInUse",
    "StateNewer",
    "StateOlder",
    "StateUnwritable",
    "Store",
    "StoreError",
    "StoreStats",
]
