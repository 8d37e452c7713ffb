"""The made-up fleet's runs: commands print and end when a test says so."""

from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from typing import Any, Protocol

from outkept.act.manual import OVERRIDABLE, confirmation
from outkept.app.runs import Run, Runs, RunState, TooManyError, Watch
from outkept.serve.control import (
    ChangedError,
    FullError,
    MistakenError,
    Selection,
    UnknownError,
    Wanted,
)
from outkept.serve.source import Json


class _Made(Protocol):
    by_id: dict[str, Json]

    def tell(self, type_: str, message: str, **more: Any) -> Json:
        """Something happened."""


class Control:
    """Runs that begin at once and do nothing: `hear` and `end` say what a server does. Servers
    without a connection are held, and those in `holds` by a guard, for a reason; sensors with a
    `reactive` have a command."""

    def __init__(self, made: _Made) -> None:
        self._made = made
        self.kept = Runs()
        self.holds: dict[str, tuple[str, str]] = {}

    async def preview(self, wanted: Wanted) -> Json:
        """See serve.control."""
        if never := set(wanted.override) - OVERRIDABLE:
            raise MistakenError(f"{never.pop()} can't be overridden")
        chosen = self._chosen(wanted)
        if not chosen:
            raise UnknownError("no server matches")
        servers = [self._prospect(one, wanted) for one in chosen]
        would = [one for one in servers if one["would"] == "run"]
        names = wanted.servers.names if isinstance(wanted.servers, Selection) else ()
        return {
            "sensor": wanted.sensor,
            "instance": wanted.instance,
            "step": wanted.step,
            "would_run": len(would),
            "held": len(servers) - len(would),
            "confirm": confirmation(
                wanted.sensor,
                wanted.instance,
                wanted.step,
                (),
                [(one["server"], f"mend-{wanted.sensor}") for one in would],
            ),
            "unmatched": [
                glob for glob in names if not any(_is_called(one, glob) for one in chosen)
            ],
            "commands": [f"mend-{wanted.sensor}"],
            "servers": servers,
        }

    async def start(self, wanted: Wanted, by: str) -> Json:
        """See serve.control."""
        seen = await self.preview(wanted)
        if not seen["would_run"]:
            raise ChangedError("nothing would run", seen)
        if wanted.confirm != seen["confirm"] and (wanted.confirm or len(seen["servers"]) > 1):
            raise ChangedError("what would run is not what was confirmed", seen)
        try:
            run = self.kept.add(
                wanted.sensor,
                wanted.instance,
                wanted.step,
                by=by,
                reason=wanted.reason,
                override=wanted.override,
                servers=[
                    (one["server"], one["hostname"], f"mend-{wanted.sensor}")
                    for one in seen["servers"]
                ],
            )
        except TooManyError as error:
            raise FullError(str(error)) from None
        for number, one in enumerate(seen["servers"], 1):
            part = run.parts[one["server"]]
            if one["guard"]:
                part.hold(one["guard"], one["reason"])
            else:
                part.begin(number)
        self._made.tell("control", f"{by} runs {run.label}: {run.reason}", by=by)
        return run.detail()

    def runs(self) -> list[Json]:
        """See serve.control."""
        return [run.view() for run in self.kept]

    def detail(self, id: str) -> Json | None:
        """See serve.control."""
        run = self.kept.get(id)
        return run.detail() if run else None

    def stop(self, id: str, by: str) -> Json | None:
        """See serve.control."""
        run = self.kept.get(id)
        if run is None:
            return None
        run.stopped_by = by
        return run.detail()

    def follow(self, id: str) -> AbstractContextManager[Watch] | None:
        """See serve.control."""
        run = self.kept.get(id)
        try:
            return self.kept.watch(run) if run else None
        except TooManyError as error:
            raise FullError(str(error)) from None

    def newest(self) -> Run:
        """The run that was begun last."""
        return next(iter(self.kept))

    def hear(self, server: str, text: str) -> None:
        """A server's command prints something."""
        run = self.newest()
        run.parts[server].hear(text.encode(), error=False)
        run.changed()

    def end(self, server: str, status: int = 0) -> None:
        """A server's command ends."""
        run = self.newest()
        run.parts[server].status = status
        run.parts[server].end(RunState.DONE, "")
        run.changed()
        if all(part.state.over for part in run.parts.values()):
            run.finish()

    def _chosen(self, wanted: Wanted) -> list[Json]:
        servers = wanted.servers
        if isinstance(servers, Selection):
            return [one for one in self._made.by_id.values() if _is_selected(one, servers)]
        for id_ in servers:
            if id_ not in self._made.by_id:
                raise UnknownError(f"no server has the id {id_!r}")
        return [self._made.by_id[id_] for id_ in dict.fromkeys(servers)]

    def _prospect(self, one: Json, wanted: Wanted) -> Json:
        guard, held = self.holds.get(one["id"], (None, ""))
        if not one["connected"]:
            guard, held = "disconnected", "there is no connection to it"
        elif guard in wanted.override:
            guard, held = None, ""
        found = [series for series in one["sensors"] if series["name"] == wanted.sensor]
        return {
            "server": one["id"],
            "hostname": one["hostname"],
            "status": found[0]["status"] if found else None,
            "value": found[0]["value"] if found else None,
            "would": "held" if held else "run",
            "guard": guard,
            "reason": held,
            "warnings": [],
            "command": 0,
        }


def _is_selected(one: Json, wanted: Selection) -> bool:
    texts = [one["hostname"], one["id"], *one["addresses"], *one["labels"].values()]
    return (
        (not wanted.names or any(_is_called(one, glob) for glob in wanted.names))
        and (not wanted.q or any(wanted.q in text for text in texts))
        and wanted.status in (None, one["status"])
        and all(
            fnmatchcase(one["labels"].get(name, ""), glob) for name, glob in wanted.labels.items()
        )
    )


def _is_called(one: Json, glob: str) -> bool:
    return any(fnmatchcase(name, glob) for name in (one["hostname"], one["id"], *one["addresses"]))
