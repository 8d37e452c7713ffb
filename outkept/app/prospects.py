"""What would come of a run that somebody wants, before anything is sent."""

import asyncio
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass

from outkept.act.manual import OVERRIDABLE, Held, Verdict, confirmation
from outkept.app.fleet import Fleet, LiveServer
from outkept.app.runs import Json, distinct
from outkept.app.views import has_text
from outkept.model.globs import fits_any, fits_labels
from outkept.model.reading import Value
from outkept.serve.control import MistakenError, Selection, UnknownError, Wanted

MOST_SERVERS = 500
"""Of one run: what a person can look through before saying yes."""
SLICE = 10
"""Servers that are looked at before others have their turn in the loop: what is counted for shares
may be the starts of an hour."""
MATCHED_SLICE = 100
"""Servers that are matched with a selection before others have their turn."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What would come of it on one server; `status` and `value` are its series' as of now, None
    where there is no such series."""

    server: str
    hostname: str
    command: str
    verdict: Verdict
    status: str | None = None
    value: Value | None = None

    def view(self, commands: Sequence[str]) -> Json:
        """In the API's shape; its command is told by its place among all."""
        return {
            "server": self.server,
            "hostname": self.hostname,
            "status": self.status,
            "value": self.value,
            "would": "run" if self.verdict.runs else "held",
            "guard": self.verdict.held,
            "reason": self.verdict.reason,
            "warnings": list(self.verdict.warnings),
            "command": commands.index(self.command) if self.command else None,
        }


@dataclass(frozen=True, slots=True)
class Prospects:
    """What would come of all of it, by hostname. `unmatched` are globs that no server has."""

    wanted: Wanted
    servers: tuple[Prospect, ...]
    unmatched: tuple[str, ...]

    @property
    def confirm(self) -> str:
        """Stands for exactly what would run."""
        return confirmation(
            self.wanted.sensor,
            self.wanted.instance,
            self.wanted.step,
            overridden(self.wanted),
            [(one.server, one.command) for one in self.servers if one.verdict.runs],
        )

    @property
    def count(self) -> int:
        """On how many servers it would run."""
        return sum(one.verdict.runs for one in self.servers)

    def view(self) -> Json:
        """In the API's shape."""
        commands = distinct(one.command for one in self.servers)
        return {
            "sensor": self.wanted.sensor,
            "instance": self.wanted.instance,
            "step": self.wanted.step,
            "would_run": self.count,
            "held": len(self.servers) - self.count,
            "confirm": self.confirm,
            "unmatched": list(self.unmatched),
            "commands": commands,
            "servers": [one.view(commands) for one in self.servers],
        }


def overridden(wanted: Wanted) -> frozenset[Held]:
    """What is not to hold it. Raises MistakenError for what can't be overridden."""
    found = frozenset(map(Held, wanted.override))
    if never := sorted(found - OVERRIDABLE):
        may = ", ".join(sorted(OVERRIDABLE))
        raise MistakenError(f"{never[0]} can't be overridden; these can: {may}")
    return found


async def prospects(
    wanted: Wanted, fleet: Fleet, look: Callable[[LiveServer, Wanted, Set[str]], Prospect]
) -> Prospects:
    """What would come of it, as `look` says of each server, given those before it on which it would
    run. Raises ControlError where servers are named that aren't there, none match, or too many do.
    """
    found, unmatched = await _chosen(wanted.servers, fleet)
    if not found:
        raise UnknownError("no server matches; GET /api/v1/servers lists them")
    if len(found) > MOST_SERVERS:
        raise MistakenError(
            f"{len(found):,} servers match, and a run has at most {MOST_SERVERS}; name fewer"
        )
    found.sort(key=lambda live: (live.name.casefold(), live.record.id))
    seen, would = list[Prospect](), set[str]()
    for live in found:
        seen.append(look(live, wanted, would))
        if seen[-1].verdict.runs:
            would.add(live.record.id)
        if len(seen) % SLICE == 0:
            await asyncio.sleep(0)
    return Prospects(wanted, tuple(seen), unmatched)


async def _chosen(
    servers: Iterable[str] | Selection, fleet: Fleet
) -> tuple[list[LiveServer], tuple[str, ...]]:
    if isinstance(servers, Selection):
        return await _selected(servers, fleet)
    chosen = {id_: fleet.get(id_) for id_ in servers}
    for id_, live in chosen.items():
        if live is None:
            raise UnknownError(f"no server has the id {id_[:80]!r}; GET /api/v1/servers lists them")
    return [live for live in chosen.values() if live is not None], ()


async def _selected(wanted: Selection, fleet: Fleet) -> tuple[list[LiveServer], tuple[str, ...]]:
    """Servers, and globs that no server at all has."""
    found, missed = list[LiveServer](), set(wanted.names)
    for number, live in enumerate(fleet, 1):
        called = [glob for glob in wanted.names if _is_called(live, glob)]
        missed.difference_update(called)
        if (called or not wanted.names) and _is_so(live, wanted):
            found.append(live)
        if number % MATCHED_SLICE == 0:
            await asyncio.sleep(0)
    return found, tuple(glob for glob in wanted.names if glob in missed)


def _is_so(live: LiveServer, wanted: Selection) -> bool:
    return (
        (not wanted.q or has_text(live, wanted.q.casefold()))
        and wanted.status in (None, live.status.value)
        and fits_labels(wanted.labels, live.record.labels)
    )


def _is_called(live: LiveServer, glob: str) -> bool:
    record = live.record
    names = (record.identity.hostname, record.id, *(end.address for end in record.endpoints))
    return fits_any((glob,), names)
