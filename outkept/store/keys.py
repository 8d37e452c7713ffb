"""How the tables of history are numbered: coarse time first, then the group of series, so that
what is written together lies together, and what expires is a range at a table's start."""

import sqlite3
from collections.abc import Iterable

from outkept.store.chunks import GROUP, GROUP_BITS

PART_BITS = 14
TIME_BITS = 24 + PART_BITS
MOST_PART = (1 << PART_BITS) - 1
MOST_GROUP = 1 << 24
SEQ_BITS = 24
HOUR_S = 3600
DAY_S = 86400
STEPS = {"chunks": HOUR_S, "cells": HOUR_S, "minutes": HOUR_S, "hours": DAY_S}
"""Seconds of a step of each table's key. Steps are numbered from 1970."""

_STEPS = """
    WITH RECURSIVE steps (step) AS (
        SELECT min(id) >> {bits} FROM {table} WHERE id >= :first << {bits}
        UNION ALL
        SELECT (SELECT min(id) >> {bits} FROM {table} WHERE id >= (steps.step + 1) << {bits})
        FROM steps WHERE steps.step < :last)
    {found} WHERE step <= :last"""
_WALK = """SELECT id, data FROM steps CROSS JOIN {table}
    ON id BETWEEN (step << {bits}) | :low AND (step << {bits}) | :high"""
"""From one step that exists to the next, one look-up each, and in each what is asked for."""


def key(step: int, group: int) -> int:
    """The first id of a group in a step of a table in STEPS."""
    return step << TIME_BITS | group << PART_BITS


def _in_steps(found: str, table: str, bits: int) -> str:
    return _STEPS.format(found=found.format(table=table, bits=bits), table=table, bits=bits)


def walk(
    connection: sqlite3.Connection, table: str, group: int, first: int, last: int
) -> Iterable[tuple[int, bytes]]:
    """Ids and data of a group from step `first` to `last`, in order."""
    low = key(0, group)
    bound = {"first": first, "last": last, "low": low, "high": low | MOST_PART}
    return connection.execute(_in_steps(_WALK, table, TIME_BITS), bound)


def steps(connection: sqlite3.Connection, table: str, first: int, last: int) -> list[int]:
    """Those from `first` to `last` in which any group has something."""
    statement = _in_steps("SELECT step FROM steps", table, TIME_BITS)
    rows = connection.execute(statement, {"first": first, "last": last})
    return [step for (step,) in rows]


def walk_journal(
    connection: sqlite3.Connection, groups: tuple[int, int], first: int, last: int
) -> Iterable[tuple[int, bytes]]:
    """The same of the journal: groups from one to another, batches from `first` to `last`."""
    bound = {"first": first, "last": last, "low": groups[0], "high": groups[1]}
    return connection.execute(_in_steps(_WALK, "journal", SEQ_BITS), bound)


def live_slots(connection: sqlite3.Connection, group: int) -> set[int]:
    """The places of a group whose series were not removed."""
    start = group << GROUP_BITS
    rows = connection.execute(
        "SELECT id FROM series WHERE id BETWEEN ? AND ?", (start, start + GROUP - 1)
    )
    return {series - start for (series,) in rows}
