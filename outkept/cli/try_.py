"""`outkept try`: one server, its sensors, and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from outkept.app.once import one_shot_client
from outkept.app.probe import Login, Probe, ProbeError, Trial, open_login, sensors_there
from outkept.app.start import Plan, StartError
from outkept.app.target import Target, TargetError, endpoints, parse_target, resolve
from outkept.cli import options
from outkept.cli.errors import FAILED, INTERRUPTED, USAGE, fail, fail_all
from outkept.cli.files import default_file
from outkept.cli.loop import until_done
from outkept.cli.plan import make_plan
from outkept.cli.progress import Step, progress_bar
from outkept.cli.render import print_json
from outkept.cli.trials import as_json, print_login, print_summary, print_trials
from outkept.config.commandline import CommandLine
from outkept.config.library import load_library
from outkept.config.problems import nearest
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint
from outkept.poll.examples import example_fault

_ANY_RANGE = "127.0.0.1"
"""Stands in for `ranges`, which one host doesn't need."""


def try_(
    host: Annotated[
        str, typer.Argument(metavar="HOST", help="[USER@]NAME or address, with or without :PORT.")
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="SENSOR", help="Only these sensors, each in full."),
    ] = None,
    config: options.Config = None,
    user: options.User = None,
    key: options.Keys = None,
    port: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=65535, help="Its SSH port.")
    ] = None,
    sensor_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Try the sensors of this file, too."),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Every sensor in full, with output.")] = False,
    as_json_: options.Json = False,
) -> None:
    """Log in once and try sensors: which apply, what they say, how long they take, and why not.

    Sensors that are named, or fail, are shown in full: verifier, command, output, exit status.
    With --sensor-file and no names, only that file's sensors are tried. Without -c,
    a config.yaml that is here is used, as by `run`.

    Example: outkept try web1.example.com load disk --user ops
    """
    path = config or default_file()
    ranges = () if path else (_ANY_RANGE,)
    plan = make_plan(path, CommandLine(ranges=ranges, user=user, keys=tuple(key or ())))
    target = _target(host, user, port)
    own = _sensors_of(sensor_file)
    plan = _with_sensors(plan, own)
    wanted = _wanted(plan, names or [], own)
    attempt = _Attempt(plan, target, wanted, in_full=bool(names), raw=raw, as_json=as_json_)
    try:
        attempt.client = one_shot_client(plan, keep=path is not None)
        if not until_done(attempt.run):
            raise typer.Exit(INTERRUPTED)
    except (StartError, ProbeError, TargetError) as error:
        fail(str(error))
    if any(trial.failure for trial in attempt.trials):
        raise typer.Exit(FAILED)


def _target(host: str, user: str | None, port: int | None) -> Target:
    try:
        typed = parse_target(host)
    except TargetError as error:
        fail(str(error), USAGE)
    if port is not None and typed.port not in {None, port}:
        fail(f"{host} and --port {port} name two ports; leave one of them out", USAGE)
    if user is not None and typed.user not in {None, user}:
        fail(f"{host} and --user {user} name two users; leave one of them out", USAGE)
    return Target(typed.host, typed.port or port, typed.user or user)


def _sensors_of(path: Path | None) -> dict[str, Sensor]:
    """The sensors of a file that isn't in a library; a wrong example is only a warning, for
    the value that is tried may be what the example should be."""
    if path is None:
        return {}
    sensors, problems = load_library([path])
    if problems:
        fail_all(problems)
    for sensor in sensors.values():
        for number, example in enumerate(sensor.examples, 1):
            fault = example_fault(sensor, example)
            if fault is not None:
                what = f"{sensor.source}: sensor '{sensor.name}': example {number}: {fault}"
                typer.echo(f"warning: {what}", err=True)
    return sensors


def _with_sensors(plan: Plan, own: dict[str, Sensor]) -> Plan:
    library = {sensor.name: sensor for sensor in plan.sensors} | own
    return Plan(plan.settings, tuple(library.values()), plan.credentials)


def _wanted(plan: Plan, names: Sequence[str], own: dict[str, Sensor]) -> list[str]:
    known = [sensor.name for sensor in plan.sensors]
    for name in names:
        if name not in known:
            fail(f"there is no sensor {name!r}; {nearest(name, known)}", USAGE)
    return list(dict.fromkeys(names)) or list(own) or known


class _Attempt:
    """One login and what was tried over it."""

    def __init__(
        self,
        plan: Plan,
        target: Target,
        wanted: list[str],
        *,
        in_full: bool,
        raw: bool,
        as_json: bool,
    ) -> None:
        self.client = one_shot_client(plan, keep=False)
        self.trials: list[Trial] = []
        self._plan = plan
        self._target = target
        self._wanted = wanted
        self._in_full = in_full or raw
        self._raw = raw
        self._as_json = as_json
        self._done = 0

    async def run(self) -> None:
        """Log in, try, print."""
        found = await self._endpoints()
        user = self._target.user or self._user_at(found[0])
        login = await open_login(self.client, self._plan.credentials, found, user)
        try:
            await self._try_all(login)
        finally:
            await login.connection.close()

    async def _endpoints(self) -> Sequence[Endpoint]:
        addresses = await resolve(self._target.host)
        if self._target.port is not None:
            return endpoints(addresses, [self._target.port])
        ranges = self._plan.settings.ranges
        found: list[Endpoint] = []
        for address in addresses:
            rng = next((rng for rng in ranges if address in rng), None)
            found += endpoints([address], rng.ports if rng else self._plan.settings.ssh.ports)
        return found

    def _user_at(self, endpoint: Endpoint) -> str:
        ranges = self._plan.settings.ranges
        rng = next((rng for rng in ranges if endpoint.address in rng), None)
        return (rng.user if rng else None) or self._plan.settings.ssh.user

    async def _try_all(self, login: Login) -> None:
        if not self._as_json:
            print_login(login)
        by_name = {sensor.name: sensor for sensor in sensors_there(self._plan, login)}
        sensors = [by_name[name] for name in self._wanted]
        probe = Probe(self._plan, login, self._note)
        async with progress_bar("Trying", self._step):
            self.trials = await probe.run(sensors)
        if self._as_json:
            print_json(as_json(login, self.trials, probe.channels))
            return
        print_trials(self.trials, in_full=self._in_full, raw=self._raw)
        print_summary(self.trials, probe.channels)

    def _note(self, _trial: Trial) -> None:
        self._done += 1

    def _step(self) -> Step:
        total = len(self._wanted)
        return Step(self._done, total, f"{self._done} of {total} sensors")
