"""How a sensor's command is sent: its occasion in its environment, and ahead of all readings."""

from collections.abc import Callable

from outkept.act.environment import Occasion, with_environment
from outkept.app.fleet import LiveServer
from outkept.model.action import Action
from outkept.model.command import CommandOutcome
from outkept.model.level import Level
from outkept.ssh.channels import Priority
from outkept.ssh.connection import Connection


def occasion_of(live: LiveServer, action: Action, level: Level | None = None) -> Occasion:
    """What an action on a server is about, as of now; `level` in place of its series' own."""
    series = live.series.get((action.sensor, action.instance))
    if level is None:
        level = series.track.level if series is not None else Level.NORMAL
    return Occasion(
        live.record.id,
        live.record.identity.hostname,
        action.sensor,
        action.instance,
        series.value if series is not None else None,
        level.value,
        action.incident,
        action.step,
    )


async def send(
    connection: Connection,
    occasion: Occasion,
    command: str,
    *,
    timeout: float,
    bar: Callable[[], str],
    heard: Callable[[bytes, bool], None] | None = None,
) -> CommandOutcome:
    """What came of it; never raises for remote trouble. `timeout`, `bar` and `heard` as in
    `Connection.run`."""
    return await connection.run(
        with_environment(command, occasion.variables()),
        timeout=timeout,
        priority=Priority.REACTION,
        key=f"reaction to {occasion.sensor}",
        bar=bar,
        posix=True,
        heard=heard,
    )
