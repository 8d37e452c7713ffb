"""One login, every sensor tried once: what a person wants to know who debugs a sensor."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from outkept.app.advice import advice
from outkept.app.start import Plan
from outkept.config.overrides import MatchSubject, changed, holding
from outkept.discover.identify import identify
from outkept.discover.verify import judge as judge_verifier
from outkept.evaluate.thresholds import judge
from outkept.model.channels import ChannelStats
from outkept.model.command import CommandOutcome
from outkept.model.level import Level
from outkept.model.reading import Reading, Sample
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint, Facts, Identity
from outkept.poll.poller import read
from outkept.poll.rates import Counters
from outkept.ssh.client import Client
from outkept.ssh.connection import Connection
from outkept.ssh.errors import Denied, HostKeyRejected, NotSSH, SSHError, TimedOut, Unreachable
from outkept.ssh.keys import Credentials

RATE_INTERVAL_S = 1.0
"""Between the two readings of a counter: short enough to wait for, long enough to count."""
AT_ONCE = 4
"""Commands under way at once: what a channel pool starts with, so that a server's limit
shows as it would to the daemon."""

_GO_ON_TO_NEXT = (Unreachable, TimedOut, NotSSH)


class ProbeError(Exception):
    """There is no login. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who answered, at which endpoint, after how many seconds. `silence` says why the machine
    did not tell who it is; identity and facts are None then."""

    connection: Connection
    took: float
    identity: Identity | None = None
    facts: Facts | None = None
    silence: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one sensor. `verified` is the verifier's outcome, None without one;
    `why_not` says why the sensor does not apply, empty when it does. `runs` are the command's
    outcomes, two for a counter; `levels` go with `reading.samples`. `mend` says what to do
    about a failure."""

    sensor: Sensor
    verified: CommandOutcome | None = None
    why_not: str = ""
    runs: tuple[CommandOutcome, ...] = ()
    reading: Reading | None = None
    levels: tuple[Level, ...] = ()
    mend: str = ""

    @property
    def applies(self) -> bool:
        """Whether the verifier said yes."""
        return not self.why_not

    @property
    def failure(self) -> str:
        """Why an applicable sensor has no value; empty when it has one, or does not apply."""
        return (self.reading.failure or "") if self.reading else ""

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The values."""
        return self.reading.samples if self.reading else ()

    @property
    def took(self) -> float:
        """Seconds that the command took, the last time it ran."""
        return self.runs[-1].took if self.runs else 0.0


async def open_login(
    client: Client, credentials: Credentials, endpoints: Sequence[Endpoint], user: str
) -> Login:
    """Log in at the first endpoint that lets us try, and ask who is there.

    `credentials` are the client's, to name them when all are refused. The connection is the
    caller's to close. Raises ProbeError. Cancel-safe.
    """
    refusals: list[tuple[Endpoint, SSHError]] = []
    for endpoint in endpoints:
        began = time.monotonic()
        try:
            connection = await client.connect(endpoint, user)
        except SSHError as error:
            refusals.append((endpoint, error))
            if not isinstance(error, _GO_ON_TO_NEXT):
                break
            continue
        return await _identified(connection, time.monotonic() - began)
    raise ProbeError(_why_none(refusals, credentials))


async def _identified(connection: Connection, took: float) -> Login:
    try:
        answer = await identify(connection)
    except BaseException:
        await connection.close()
        raise
    if isinstance(answer, str):
        return Login(connection, took, silence=answer)
    return Login(connection, took, *answer)


def _why_none(refusals: Sequence[tuple[Endpoint, SSHError]], credentials: Credentials) -> str:
    """The endpoint that came furthest explains it best."""
    if not refusals:
        return "there is no address to try"
    endpoint, error = max(refusals, key=lambda item: not isinstance(item[1], _GO_ON_TO_NEXT))
    tried = ", ".join(str(other) for other, _ in refusals if other != endpoint)
    more = f" (tried as well: {tried})" if tried else ""
    cure = _key_cure(credentials) if isinstance(error, Denied) else _cure(error, endpoint)
    return f"{endpoint}: {error.reason}; {cure}{more}"


def _key_cure(credentials: Credentials) -> str:
    offered = [f"{key.get_algorithm()} {key.get_fingerprint()}" for key in credentials.keys]
    if credentials.agent_path:
        offered.append("the agent's keys")
    if not offered:
        return "name a private key with --key, or start an ssh-agent"
    return (
        f"offered: {', '.join(offered)}; add a public key to that user's authorized_keys"
        " there, or name --user and --key"
    )


def _cure(error: SSHError, endpoint: Endpoint) -> str:
    if isinstance(error, HostKeyRejected) and error.expected:
        return (
            "if that is right (a new installation), remove the old key of this address from"
            " known_hosts; if not, somebody is in between"
        )
    if isinstance(error, HostKeyRejected):
        return "add its key to known_hosts once you have checked it"
    if isinstance(error, Unreachable):
        return f"is sshd running there, on port {endpoint.port}? --port names another"
    if isinstance(error, TimedOut):
        return "is the address right, and does a firewall drop it? ssh.connect_timeout gives more"
    if isinstance(error, NotSSH):
        return "name the port of its sshd with --port"
    return "try again; the server's sshd log says more"


class Probe:
    """Tries sensors over one login. `tried` gets each trial as it ends."""

    def __init__(self, plan: Plan, login: Login, tried: Callable[[Trial], None]) -> None:
        self._login = login
        self._tried = tried
        self._timeout = plan.settings.ssh.command_timeout
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._asked: dict[str, asyncio.Future[CommandOutcome]] = {}

    async def run(self, sensors: Sequence[Sensor]) -> list[Trial]:
        """Try all of `sensors`; the trials in the same order. Cancel-safe."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._try(sensor)) for sensor in sensors]
        return [task.result() for task in tasks]

    @property
    def channels(self) -> ChannelStats:
        """What was learned of the server's channels."""
        return self._login.connection.pool.stats()

    async def _try(self, sensor: Sensor) -> Trial:
        trial = await self._trial(sensor)
        self._tried(trial)
        return trial

    async def _trial(self, sensor: Sensor) -> Trial:
        verified = await self._verified(sensor.verifier) if sensor.verifier else None
        why_not = judge_verifier(verified) if verified is not None else ""
        if why_not:
            return Trial(sensor, verified, why_not)
        counters = Counters() if sensor.rate else None
        outcome, reading = await self._read(sensor, counters)
        runs: tuple[CommandOutcome, ...] = (outcome,)
        if counters is not None and reading.failure is None:
            await asyncio.sleep(RATE_INTERVAL_S)
            outcome, reading = await self._read(sensor, counters)
            runs = (*runs, outcome)
            reading = _counted(reading)
        levels = tuple(judge(sensor, sample) for sample in reading.samples)
        return Trial(sensor, verified, "", runs, reading, levels, self._mend(sensor, runs, reading))

    async def _verified(self, verifier: str) -> CommandOutcome:
        """The verifier's outcome; sensors that have the same one share it."""
        known = self._asked.get(verifier)
        if known is None:
            known = self._asked[verifier] = asyncio.get_running_loop().create_future()
            known.set_result(await self._execute(verifier, self._timeout, in_shell=True))
        return await known

    async def _read(
        self, sensor: Sensor, counters: Counters | None
    ) -> tuple[CommandOutcome, Reading]:
        outcome = await self._execute(sensor.cmd, sensor.timeout or self._timeout)
        return outcome, read("", sensor, outcome, time.time(), counters)

    async def _execute(
        self, command: str, timeout: float, *, in_shell: bool = False
    ) -> CommandOutcome:
        async with self._slots:
            connection = self._login.connection
            return await connection.run(command, timeout=timeout, in_shell=in_shell)

    def _mend(self, sensor: Sensor, runs: tuple[CommandOutcome, ...], reading: Reading) -> str:
        if reading.failure is None:
            return ""
        if len(runs) > 1 and reading.failure == NOT_COUNTING:
            return "try again; if it stays so, the command's output is not a counter"
        user = self._login.connection.user
        return advice(sensor, runs[-1], sensor.timeout or self._timeout, user)


NOT_COUNTING = "no rate: every counter was reset or replaced between the two readings"


def _counted(reading: Reading) -> Reading:
    """The second reading of a counter must give a rate."""
    if reading.failure is None and not reading.samples:
        return Reading(reading.server, reading.sensor, reading.at, failure=NOT_COUNTING)
    return reading


def sensors_there(plan: Plan, login: Login) -> list[Sensor]:
    """The plan's sensors with the overrides that hold for the server that was logged in to."""
    address = login.connection.endpoint.address
    rng = next((rng for rng in plan.settings.ranges if address in rng), None)
    server = MatchSubject(
        login.identity.hostname if login.identity else "",
        dict(rng.labels) if rng else {},
        (address,),
        login.facts or Facts(),
    )
    overrides = holding(plan.settings.sensors.overrides, server)
    return [changed(sensor, overrides) for sensor in plan.sensors]
