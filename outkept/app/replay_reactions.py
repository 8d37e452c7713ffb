"""Which reactions would have run in a replay: the daemon's policy, asked at the recorded times.

What is not recorded is taken to be so: nobody stops, silences, acknowledges or releases anything,
the server is reached, and a reaction takes no time. Only first steps are asked about: whether one
would have mended anything, nobody knows.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from outkept.act.ledger import Ledger, Moment, Start
from outkept.act.policy import Decision, Group, Guard, Situation, decide, mode_for
from outkept.app.judge import Alarm
from outkept.config.overrides import subject_of
from outkept.config.settings import ReactionSettings
from outkept.model.action import ReactionMode
from outkept.model.incident import Incident, IncidentKey
from outkept.model.server import Server

STEP = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What was decided at a time (UNIX seconds) about the reaction to an alarm."""

    at: float
    key: IncidentKey
    alarm: Alarm
    decision: Decision

    @property
    def runs(self) -> bool:
        """Whether it would have run; as a dry run, have been written down."""
        return self.decision.run or self.decision.record


class ReplayedReactions:
    """`mode` stands in for what the settings say; None: they say it. Times never go back by more
    than the policy is ready for: they are those of the recording, in order."""

    def __init__(
        self,
        settings: ReactionSettings,
        servers: Sequence[Server],
        mode: ReactionMode | None = None,
    ) -> None:
        self._settings = settings
        self._servers = {one.id: one for one in servers}
        self._mode = mode
        self._ledger = Ledger(max(settings.latch.within, settings.share.within))
        self._latched: dict[tuple[str, str], str] = {}
        self._started: set[int] = set()
        self._waiting: dict[IncidentKey, tuple[Asked, Incident]] = {}
        self._due: list[tuple[float, int, IncidentKey]] = []
        self._number = 0
        self._labelled = Counter(
            label
            for one in servers
            for label in one.labels.items()
            if label[0] in settings.share.labels
        )

    def ask(self, incident: Incident, alarm: Alarm, at: float) -> Asked | None:
        """A series entered alarm; what is decided. None: something holds it that passes by itself;
        `due`, `left` or `rest` tells what comes of it."""
        self._waiting.pop(incident.key, None)
        situation = self._situation(incident, alarm, at)
        asked = Asked(at, incident.key, alarm, decide(situation))
        decision = asked.decision
        if asked.runs:
            dry = not decision.run
            self._ledger.add(Start(alarm.server, alarm.sensor.name, STEP, Moment(at), dry))
            self._started.add(incident.id)
        elif decision.waits:
            self._wait(asked, incident, situation)
            return None
        if decision.latch:
            self._latched[alarm.server, alarm.sensor.name] = decision.reason
        return asked

    def changed(self, incident: Incident) -> None:
        """An incident whose series is still alarmed is another than it was: it flaps, say."""
        waiting = self._waiting.get(incident.key)
        if waiting is not None:
            self._waiting[incident.key] = (waiting[0], incident)

    def due(self, at: float) -> list[Asked]:
        """What is decided until `at` about reactions that waited."""
        found = []
        while self._due and self._due[0][0] <= at:
            again, _, key = heapq.heappop(self._due)
            waiting = self._waiting.get(key)
            if waiting is not None and (asked := self.ask(waiting[1], waiting[0].alarm, again)):
                found.append(asked)
        return found

    def left(self, key: IncidentKey) -> Asked | None:
        """An alarm was left; what had held its reaction until then, if that still waited."""
        waiting = self._waiting.pop(key, None)
        return waiting[0] if waiting is not None else None

    def rest(self) -> list[Asked]:
        """What still waits."""
        return [asked for asked, _ in self._waiting.values()]

    def _wait(self, asked: Asked, incident: Incident, situation: Situation) -> None:
        self._waiting[asked.key] = (asked, incident)
        if asked.decision.guard is Guard.COOLDOWN and situation.ran_ago is not None:
            self._number += 1
            again = asked.at + situation.cooldown - situation.ran_ago
            # Floats: adding what is left may fall short of the end of the cooldown.
            again = max(again + 1e-3, asked.at + 1e-3)
            heapq.heappush(self._due, (again, self._number, asked.key))

    def _situation(self, incident: Incident, alarm: Alarm, at: float) -> Situation:
        server = self._servers[alarm.server]
        sensor, now = alarm.sensor, Moment(at)
        mode, said_by = mode_for(self._settings, sensor, subject_of(server))
        if self._mode is not None:
            mode, said_by = self._mode, "--mode"
        dry = mode is ReactionMode.DRY_RUN
        share = self._settings.share
        others = self._ledger.servers(share.within, now, dry=dry) - {server.id}
        return Situation(
            mode=mode,
            mode_from=said_by,
            limits=self._settings,
            cooldown=sensor.cooldown,
            command=sensor.reaction(STEP),
            cause=alarm.cause,
            by_zero=alarm.by_zero,
            started=incident.id in self._started,
            flapping=incident.flapping,
            latched=self._latched.get((server.id, sensor.name), ""),
            ran_ago=self._ledger.ran_ago(server.id, sensor.name, STEP, now, dry=dry),
            runs=self._ledger.runs(
                server.id, sensor.name, self._settings.latch.within, now, dry=dry
            ),
            reacted=len(others),
            fleet=len(self._servers),
            groups=self._groups(server, others),
        )

    def _groups(self, server: Server, others: set[str]) -> tuple[Group, ...]:
        return tuple(
            Group(
                name,
                value,
                self._labelled[name, value],
                sum(
                    self._servers[one].labels.get(name) == value
                    for one in others
                    if one in self._servers
                ),
            )
            for name, value in server.labels.items()
            if name in self._settings.share.labels
        )
