"""What a replay came to: figures for each sensor, for people and for programs."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from outkept.app.replay_reactions import Asked
from outkept.model.event import Event, sensor_label
from outkept.model.level import Level

Json = dict[str, Any]

MOST_EVENTS = 100_000
"""Changes of one configuration that are kept to be listed; later ones are only counted."""


@dataclass(slots=True)
class Figures:
    """What would have come of one sensor on all servers, within the window.

    `alarms` counts how often a series entered alarm, `warnings` how often one was warned that was
    normal, `incidents` those that were opened. `alarmed_s` and `warned_s` are the seconds of all
    series together that they had the level. `reactions` would have run (or, in a dry run, been
    written down), `held` not, by the guard that held them, `reasons` with an example of each in
    words. `alarmed`, `warned` and `reacted` are how many of them each server had, by id.
    """

    alarms: int = 0
    warnings: int = 0
    incidents: int = 0
    flapping: int = 0
    alarmed_s: float = 0.0
    warned_s: float = 0.0
    reactions: int = 0
    held: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)
    alarmed: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    reacted: Counter[str] = field(default_factory=Counter)
    command: str = ""

    def add(self, other: "Figures") -> None:
        """Take another's in: of sensors together."""
        for name in ("alarms", "warnings", "incidents", "flapping", "reactions"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.alarmed_s += other.alarmed_s
        self.warned_s += other.warned_s
        self.held += other.held
        self.reasons = {**other.reasons, **self.reasons}
        self.alarmed += other.alarmed
        self.warned += other.warned
        self.reacted += other.reacted

    def lasted(self, level: Level, seconds: float) -> None:
        """A series had a level for so long."""
        if level is Level.ALARMED:
            self.alarmed_s += seconds
        elif level is Level.WARNED:
            self.warned_s += seconds

    def decided(self, asked: Asked) -> None:
        """A decision about a reaction came to be final."""
        self.command = asked.alarm.sensor.reaction(1) or ""
        if asked.runs:
            self.reactions += 1
            self.reacted[asked.alarm.server] += 1
        elif asked.decision.guard is not None:
            self.held[asked.decision.guard.value] += 1
            self.reasons.setdefault(asked.decision.guard.value, asked.decision.reason)

    @property
    def servers(self) -> list[str]:
        """The ids of all that had anything, those with most alarms first."""
        ids = {*self.alarmed, *self.warned, *self.reacted}
        had = (self.alarmed, self.warned, self.reacted)
        return sorted(ids, key=lambda id_: (*(-counts[id_] for counts in had), id_))

    @property
    def anything(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.incidents or self.alarms or self.alarmed_s or self.warned_s)


@dataclass(frozen=True, slots=True)
class Told:
    """A change that would have been told: of a level, or what was decided about a reaction, of
    type `reaction` or `held`."""

    at: float
    type: str
    server: str
    sensor: str
    message: str

    def view(self, hostname: str) -> Json:
        """For programs."""
        return {
            "at": self.at,
            "type": self.type,
            "server": self.server,
            "hostname": hostname,
            "sensor": self.sensor,
            "message": self.message,
        }


@dataclass(slots=True)
class Report:
    """What one configuration came to. `left_out` changes are not in `told`."""

    name: str
    sensors: dict[str, Figures] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    left_out: int = 0

    def of(self, sensor: str) -> Figures:
        """The figures of a sensor."""
        return self.sensors.setdefault(sensor, Figures())

    def tell(self, event: Event) -> None:
        """A change would have been told."""
        self._keep(
            Told(event.at, event.type.value, event.server or "", event.sensor or "", event.message)
        )

    def tell_decision(self, asked: Asked, server: str) -> None:
        """The same of a reaction. `server` is what people call it."""
        alarm, decision = asked.alarm, asked.decision
        label = sensor_label(alarm.sensor.name, alarm.instance)
        what = f"would have run its reaction: {decision.reason}" if asked.runs else decision.reason
        type_ = "reaction" if asked.runs else "held"
        message = f"{server}: {label}: {what}"
        self._keep(Told(asked.at, type_, alarm.server, label, message))

    @property
    def total(self) -> Figures:
        """Of all sensors."""
        total = Figures()
        for figures in self.sensors.values():
            total.add(figures)
        return total

    def _keep(self, told: Told) -> None:
        if len(self.told) < MOST_EVENTS:
            self.told.append(told)
        else:
            self.left_out += 1


def figures_view(figures: Figures, names: dict[str, str]) -> Json:
    """For programs. `names` are the servers' by id."""
    return {
        "alarms": figures.alarms,
        "warnings": figures.warnings,
        "incidents": figures.incidents,
        "flapping": figures.flapping,
        "alarmed_s": round(figures.alarmed_s, 1),
        "warned_s": round(figures.warned_s, 1),
        "reactions": figures.reactions,
        "held": [
            {"guard": guard, "times": times, "example": figures.reasons.get(guard, "")}
            for guard, times in figures.held.most_common()
        ],
        "servers": [
            {
                "id": id_,
                "hostname": names.get(id_, ""),
                "alarms": figures.alarmed[id_],
                "warnings": figures.warned[id_],
                "reactions": figures.reacted[id_],
            }
            for id_ in figures.servers
        ],
    }


def report_view(report: Report, names: dict[str, str], *, events: bool) -> Json:
    """For programs."""
    view: Json = {
        "name": report.name,
        "total": figures_view(report.total, names),
        "sensors": [
            {"sensor": name, **figures_view(report.sensors[name], names)}
            for name in sorted(report.sensors)
            if report.sensors[name].anything
        ],
    }
    if events:
        view["events"] = [told.view(names.get(told.server, "")) for told in report.told]
        view["events_left_out"] = report.left_out
    return view
