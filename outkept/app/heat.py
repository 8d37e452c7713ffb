"""Which rows of a heat map are shown, and how they are written. Pure."""

from collections.abc import Callable, Iterable, Sequence
from heapq import nlargest, nsmallest
from typing import Any, Protocol

Json = dict[str, Any]

_DIGITS = 5
"""Significant digits of a cell: more than a colour can show."""


class Row(Protocol):
    """One series: the mean of each column, None where it has no readings."""

    @property
    def server(self) -> str: ...
    @property
    def instance(self) -> str | None: ...
    @property
    def cells(self) -> Sequence[float | None]: ...


def chosen(rows: Sequence[Row], most: int, order: str) -> list[Row]:
    """At most `most` rows: those with the `highest` or the `lowest` cell of all, first; or by
    `name`, in the order that they come in."""
    if order == "highest":
        return nlargest(most, rows, key=lambda row: max(_known(row)))
    if order == "lowest":
        return nsmallest(most, rows, key=lambda row: min(_known(row)))
    return list(rows[:most])


def _known(row: Row) -> Iterable[float]:
    return (cell for cell in row.cells if cell is not None)


def spread(rows: Sequence[Row], columns: int) -> list[list[float] | None]:
    """Of each column, over all rows: the least, the tenth, the half, the nine tenths and the
    greatest; None where there is no reading."""
    found: list[list[float] | None] = []
    for column in range(columns):
        cells = (row.cells[column] for row in rows)
        values = sorted(cell for cell in cells if cell is not None)
        last = len(values) - 1
        parts = [values[round(last * part)] for part in (0, 0.1, 0.5, 0.9, 1)] if values else None
        found.append([_short(part) for part in parts] if parts else None)
    return found


def row_view(row: Row, hostname: Callable[[str], str]) -> Json:
    """A row in the API's shape."""
    return {
        "server": row.server,
        "hostname": hostname(row.server),
        "instance": row.instance,
        "cells": [None if cell is None else _short(cell) for cell in row.cells],
    }


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
