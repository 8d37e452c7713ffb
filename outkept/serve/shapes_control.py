"""The shapes of runs that people start."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from outkept.model.level import SensorStatus, ServerStatus
from outkept.serve.shapes import Asked, Shape

MOST_SERVERS = 500
"""Of one run."""
MOST_TESTED = 20
"""Globs and labels of a selection."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]
GuardName = Literal[
    "stopped",
    "unsupported",
    "disconnected",
    "host_key",
    "busy",
    "blind",
    "latch",
    "cooldown",
    "share",
]
StateName = Literal["waiting", "running", "done", "held", "not sent", "unknown", "stopped"]


class Select(Asked):
    """Which servers: those for which all that is given is so. `names` are globs over hostname,
    id and addresses, any of which will do; `labels` are globs over the server's."""

    names: Annotated[list[Name], Field(max_length=MOST_TESTED)] = Field([])
    q: Annotated[str, StringConstraints(max_length=300)] | None = None
    status: ServerStatus | None = None
    labels: Annotated[dict[str, Name], Field(max_length=MOST_TESTED)] = Field({})


class RunRequest(Asked):
    """A sensor's reaction (`step` 1) or fallback (`step` 2), on `servers` by id or on those that
    `select` finds. With `preview`, which is the default, nothing runs. On more than one server,
    `confirm` must be what the preview gave."""

    sensor: Name
    instance: Name | None = None
    step: Literal[1, 2] = 1
    servers: Annotated[list[Name], Field(min_length=1, max_length=MOST_SERVERS)] | None = None
    select: Select | None = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""
    override: Annotated[list[GuardName], Field(max_length=len(GuardName.__args__))] = Field([])
    preview: bool = True
    confirm: Annotated[str, StringConstraints(max_length=64)] | None = None


class Prospect(Shape):
    """What would come of it on one server. `status` and `value` are the series' as of now. `guard`
    holds it, for `reason`; both are empty where it would run. `warnings` don't hold it. `command`
    is the place of its command in `commands`."""

    server: str
    hostname: str
    status: SensorStatus | None
    value: float | str | None
    would: Literal["run", "held"]
    guard: GuardName | None
    reason: str
    warnings: list[str]
    command: int | None


class RunPreview(Shape):
    """What would run. `confirm` stands for exactly this; `unmatched` are the globs of
    `select.names` that no server has."""

    sensor: str
    instance: str | None
    step: int
    would_run: int
    held: int
    confirm: str
    unmatched: list[str]
    commands: list[str]
    servers: list[Prospect]


class RunSummary(Shape):
    """A run. `counts` says how many servers are in each state, `failed` how many commands ended
    with another status than 0. `stopped_by` is who ended it early. `finished` is None while
    anything waits or runs."""

    id: str
    at: float
    sensor: str
    instance: str | None
    step: int
    by: str
    reason: str
    override: list[GuardName]
    stopped_by: str | None
    finished: float | None
    counts: dict[StateName, int]
    failed: int


class RunState(Shape):
    """A run on one server. `status` is the command's exit status once it is done; `guard` and
    `reason` say why it was held, not sent, or is unknown. `action` is the id of what was written
    down of it. `dropped` characters of output are not kept."""

    server: str
    hostname: str
    state: StateName
    status: int | None
    guard: GuardName | None
    reason: str
    warnings: list[str]
    started: float | None
    finished: float | None
    action: int | None
    dropped: int


class RunServer(RunState):
    """The same with the place of its command in `commands`, and what it printed."""

    command: int | None
    output: str


class Run(RunSummary):
    """A run with its servers."""

    commands: list[str]
    servers: list[RunServer]


class Runs(Shape):
    """The runs that are kept, newest first."""

    items: list[RunSummary]
    next: str | None


class Line(Shape):
    """A line of `/runs/{id}/live`: first `run`; then, for each server, `state` when it changes
    (as RunState) and `output` as it comes; `tick` when nothing does; `end` last, with the run."""

    type: Literal["run", "state", "output", "tick", "end"]
    run: RunSummary | None = None
    server: str | None = None
    hostname: str | None = None
    text: str | None = None
