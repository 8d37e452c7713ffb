"""When to tell whom of what: incidents come in, notices that are due go out. Pure: the time is
handed in, and what is silenced is asked of the caller.

For each incident and target it is known what the target was told (`Told`). What is due is the
difference to how things are now, so an event is told once however many routes lead to a target,
what opened and ended unnoticed is never told, and nothing is lost while it is held back: it is
still a difference when it no longer is. Groups only decide when.

A group's first notice waits `group_wait` for others; the next ones come `group_interval` after
the last at the earliest, with what has changed since and nothing else. Escalations, reminders
and what a reaction did not mend wait for nothing.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from outkept.config.strict import Match
from outkept.model.event import Condition, Event, EventType
from outkept.model.incident import Incident, IncidentKey, following, key_of
from outkept.model.notice import Told
from outkept.notify.message import About, Kind, Mention, Notice
from outkept.notify.routing import GroupValues, Route, routed

HELD_CHECK_S = 15.0
"""How often it is asked whether what is held back still is, besides when something happens."""
QUIET_CHECK_S = 60.0
_BATCHED = frozenset({Kind.OPENED, Kind.WORSE, Kind.FLAPPING, Kind.RECOVERED})

GroupKey = tuple[int, GroupValues]

_NOWHERE = -1
_ORPHANS: GroupKey = (_NOWHERE, ())
"""The group by which those hear of the end whose route is no longer configured."""
_NO_ROUTE = Route(Match(), (), frozenset(), frozenset(), ())


@dataclass(slots=True)
class Case:
    """An incident, and what each target knows of it. `text` is what its newest event of weight
    says, `note` the last reaction that mended nothing. `routes` are those that it takes as it is
    now, `groups` also those in which somebody has yet to hear how it ends."""

    incident: Incident
    subject: About
    text: str
    told: dict[str, Told] = field(default_factory=dict)
    unmended: int = 0
    note: str = ""
    routes: tuple[int, ...] = ()
    groups: set[GroupKey] = field(default_factory=set)


@dataclass(slots=True)
class Group:
    """Incidents that are told together. Before `look` (UNIX seconds) nothing of it is due; at
    `due` what waits for others goes out; `last` is when something did. `hushed`: quiet hours hold
    something back. `holding`: something else does."""

    key: GroupKey
    cases: dict[int, Case] = field(default_factory=dict)
    look: float = math.inf
    due: float = math.inf
    last: float = -math.inf
    hushed: bool = False
    holding: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be told, and what is to be remembered with it, in one transaction: what targets
    know of incidents now, and the ids of those that are done with."""

    notices: tuple[Notice, ...] = ()
    told: Mapping[int, Mapping[str, Told]] = field(default_factory=dict)
    forgotten: frozenset[int] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.notices or self.told or self.forgotten)


class Grouping:
    """All open incidents, by group. `direct` are the targets that group and repeat by
    themselves: they hear of each level at once and of nothing else, acknowledged or not."""

    def __init__(self, routes: Sequence[Route], direct: Collection[str] = ()) -> None:
        self._routes = tuple(routes)
        self._names = tuple(route.targets for route in routes)
        self._direct = frozenset(direct)
        self._open: dict[IncidentKey, Case] = {}
        self._ended: dict[int, Case] = {}
        self._groups: dict[GroupKey, Group] = {}
        self._freed_at: float | None = None
        """When something happened by which what is held may no longer be; the groups are looked
        through once for all such events."""

    def cases(self) -> Iterator[Case]:
        """Incidents that are open, and those whose end is yet to be told."""
        yield from self._open.values()
        yield from self._ended.values()

    def restore(self, case: Case, now: float) -> None:
        """Take up an incident from before a restart, with what was told of it. The clock may have
        been set back since."""
        _clamp(case, now)
        if case.incident.ended is None:
            self._open[case.incident.key] = case
        else:
            self._ended[case.incident.id] = case
        self._place(case)
        for key in case.groups:
            group, names = self._groups[key], self._targets(key)
            last = [told.last for name, told in case.told.items() if name in names]
            group.last = max([group.last, *last])
        self._stir(case, now)

    def take(self, event: Event, subject: About, now: float) -> None:
        """An event is on disk. `subject` is what it is about, as it is now."""
        if event.type is EventType.REMOVED:
            removed = [one for one in self._open.values() if one.incident.server == event.server]
            for one in removed:
                self._follow(one, event, now)
            return
        if event.type is EventType.SILENCED or event.condition in (Condition.GONE, Condition.BLIND):
            self._freed_at = now
        key = key_of(event)
        if key is None:
            return
        case = self._open.get(key)
        if case is not None:
            case.subject = subject
            self._follow(case, event, now)
        elif (opened := following(None, event)) is not None:
            case = self._open[key] = Case(opened, subject, event.message)
            self._place(case)
            self._stir(case, now)

    def rewound(self, now: float) -> None:
        """The clock was set back to `now`: nothing is in the future but what is to come."""
        for group in self._groups.values():
            group.last = min(group.last, now)
            group.look = now
            if group.due != math.inf:
                group.due = min(group.due, now + self._route(group.key).group_wait)
        for case in self.cases():
            _clamp(case, now)

    def next_look(self) -> float:
        """When something may be due (UNIX seconds), infinite when nothing is waited for."""
        self._look_again()
        return min((group.look for group in self._groups.values()), default=math.inf)

    def due(self, now: float) -> list[Group]:
        """The groups to look at."""
        self._look_again()
        return [group for group in self._groups.values() if group.look <= now]

    def wanting(self, groups: Iterable[Group], now: float) -> dict[int, Case]:
        """The open incidents, by id, of which something is to be told, now or with it, unless
        they are held."""
        return {
            id_: case
            for group in groups
            for id_, case in group.cases.items()
            if case.incident.ended is None and self._wants(group, case, self._soon_at(group, now))
        }

    def decide(self, groups: Iterable[Group], now: float, free: Collection[int]) -> Decision:
        """What is due in these groups. `free` are the ids of those incidents that were asked about
        and that nothing holds: no silence, and no trouble of their server as a whole."""
        plan = _Plan(now, self._direct)
        for group in groups:
            if self._groups.get(group.key) is group:
                self._decide_group(group, now, free, plan)
        over = [case for case in plan.touched.values() if case.incident.ended and not case.told]
        for case in over:
            self._forget(case)
        gone = frozenset(case.incident.id for case in over)
        told = {id_: dict(case.told) for id_, case in plan.touched.items() if id_ not in gone}
        return Decision(plan.notices(), told, gone)

    # What an event changes

    def _follow(self, case: Case, event: Event, now: float) -> None:
        if event.incident not in (None, case.incident.id):
            # Of one that has ended: a reaction may be judged after that.
            return
        after = following(case.incident, event)
        assert after is not None
        if event.type is EventType.NOT_MENDED:
            case.unmended += 1
            case.note = event.message
        elif after is not case.incident and not _about_a_person(event):
            case.text = event.message
        case.incident = after
        if after.ended is not None:
            del self._open[after.key]
            self._ended[after.id] = case
            if not case.told:
                self._forget(case)
                return
        self._place(case)
        self._stir(case, now)
        if event.type is EventType.NOT_MENDED:
            self._hurry(case, now)

    def _hurry(self, case: Case, now: float) -> None:
        for key in case.groups:
            group = self._groups[key]
            if self._wants(group, case, now):
                group.due = group.look = now

    def _place(self, case: Case) -> None:
        """Put an incident into the groups of the routes that it takes as it is now. One that it
        takes no more keeps it while somebody there was told."""
        incident, subject = case.incident, case.subject
        if incident.ended is None:
            case.routes = routed(self._routes, incident, subject)
        here = {(place, self._routes[place].group(incident, subject)) for place in case.routes}
        if incident.ended is not None:
            here = set(case.groups)
        here |= {key for key in case.groups if not self._targets(key).isdisjoint(case.told)}
        heard = frozenset[str]().union(*(self._targets(key) for key in here))
        if not heard.issuperset(case.told):
            here.add(_ORPHANS)
        for key in case.groups - here:
            self._leave(case, key)
        for key in here - case.groups:
            self._groups.setdefault(key, Group(key)).cases[incident.id] = case
        case.groups = here

    def _stir(self, case: Case, now: float) -> None:
        """Have what changed of an incident told in time."""
        for key in case.groups:
            group = self._groups[key]
            wants = self._wants(group, case, now)
            if any(self._batched(*one) for one in wants.items()):
                group.due = min(group.due, self._next_due(key, group.last, now))
            if not all(self._batched(*one) for one in wants.items()):
                group.look = now
            group.look = min(group.look, group.due, self._next_time(group, case, now))

    def _look_again(self) -> None:
        if self._freed_at is not None:
            for group in self._groups.values():
                if group.holding:
                    group.look = min(group.look, self._freed_at)
            self._freed_at = None

    def _leave(self, case: Case, key: GroupKey) -> None:
        group = self._groups[key]
        del group.cases[case.incident.id]
        if not group.cases:
            del self._groups[key]

    def _forget(self, case: Case) -> None:
        for key in case.groups:
            self._leave(case, key)
        case.groups = set()
        del self._ended[case.incident.id]

    # What is to be told

    def _decide_group(self, group: Group, now: float, free: Collection[int], plan: "_Plan") -> None:
        was_hushed, group.hushed, group.holding = group.hushed, False, False
        ready = list(self._ready(group, now, free))
        if any(kind is Kind.REMINDER for _, _, kind in ready):
            ready += self._soon(group, now, free)
        digest = was_hushed and not group.hushed
        if digest:
            group.due = now
        elif group.due == math.inf and any(self._batched(*one[1:]) for one in ready):
            group.due = self._next_due(group.key, group.last, now)
        waits = group.due > now
        for case, target, kind in ready:
            if not (waits and self._batched(target, kind)):
                direct = target in self._direct
                plan.mention(case, target, kind, None if digest and not direct else group.key)
                group.last = group.last if direct else now
        if not waits:
            group.due = math.inf
        group.look = min([group.due, *self._looks(group, now)])

    def _ready(
        self, group: Group, now: float, free: Collection[int]
    ) -> Iterator[tuple[Case, str, Kind]]:
        """What nothing holds back but that it may have to wait for others."""
        quiet = self._route(group.key).quiet
        for case in group.cases.values():
            incident, wants = case.incident, self._wants(group, case, now)
            if wants and incident.ended is None and incident.id not in free:
                group.holding = True
                continue
            level = incident.level if incident.ended is None else incident.worst
            for target, kind in wants.items():
                if target not in self._direct and quiet is not None and quiet.holds(level, now):
                    group.hushed = True
                else:
                    yield case, target, kind

    def _soon(
        self, group: Group, now: float, free: Collection[int]
    ) -> Iterator[tuple[Case, str, Kind]]:
        """Reminders that come so soon that they are better told with one that is due."""
        route, then = self._route(group.key), self._soon_at(group, now)
        for case in group.cases.values():
            if case.incident.id not in free or self._wants(group, case, now):
                continue
            if route.quiet is not None and route.quiet.holds(case.incident.level, now):
                continue
            for target, kind in self._wants(group, case, then).items():
                if kind is Kind.REMINDER:
                    yield case, target, kind

    def _soon_at(self, group: Group, now: float) -> float:
        return now + self._route(group.key).group_interval

    def _batched(self, target: str, kind: Kind) -> bool:
        return kind in _BATCHED and target not in self._direct

    def _looks(self, group: Group, now: float) -> Iterator[float]:
        if group.holding:
            yield now + HELD_CHECK_S
        if group.hushed:
            yield now + QUIET_CHECK_S
        for case in group.cases.values():
            yield self._next_time(group, case, now)

    def _wants(self, group: Group, case: Case, now: float) -> dict[str, Kind]:
        """What each target doesn't know yet of an incident, whatever holds it back."""
        place, route = group.key[0], self._route(group.key)
        if case.incident.ended is not None:
            return dict.fromkeys(self._hearing(group, case), Kind.RECOVERED)
        if place not in case.routes:
            return {}
        found = {}
        for name in self._receivers(route, case, now):
            told = case.told.get(name)
            if name in self._direct:
                kind = _level_news(case, told)
            elif case.incident.acknowledged:
                continue
            elif told is None:
                kind = Kind.OPENED if name in route.to else Kind.ESCALATED
            else:
                kind = _news(case, told, route.repeat_interval, now)
            if kind is not None:
                found[name] = kind
        return found

    def _hearing(self, group: Group, case: Case) -> list[str]:
        """Who hears of an incident's end by this group."""
        if group.key[0] != _NOWHERE:
            names = self._targets(group.key)
            return [name for name in case.told if name in names]
        elsewhere = frozenset[str]().union(*(self._targets(key) for key in case.groups))
        return [name for name in case.told if name not in elsewhere]

    def _receivers(self, route: Route, case: Case, now: float) -> tuple[str, ...]:
        told = (case.told[name].first for name in route.to if name in case.told)
        return route.receivers(told, case.unmended, now)

    def _next_time(self, group: Group, case: Case, now: float) -> float:
        """When a step or a reminder of an incident comes after `now`."""
        place, route = group.key[0], self._route(group.key)
        if case.incident.ended is not None or case.incident.acknowledged:
            return math.inf
        if place not in case.routes:
            return math.inf
        first = min(
            (case.told[name].first for name in route.to if name in case.told), default=math.inf
        )
        times = [first + step.after for step in route.steps]
        if route.repeat_interval:
            names = self._targets(group.key) - self._direct
            times += [
                told.last + route.repeat_interval
                for name, told in case.told.items()
                if name in names
            ]
        return min((time for time in times if time > now), default=math.inf)

    def _next_due(self, key: GroupKey, last: float, now: float) -> float:
        route = self._route(key)
        return max(now + route.group_wait, last + route.group_interval)

    def _route(self, key: GroupKey) -> Route:
        return self._routes[key[0]] if key[0] != _NOWHERE else _NO_ROUTE

    def _targets(self, key: GroupKey) -> frozenset[str]:
        return self._names[key[0]] if key[0] != _NOWHERE else frozenset()


class _Plan:
    """The notices of one decision, and the incidents whose being told they change."""

    def __init__(self, now: float, direct: Collection[str]) -> None:
        self._now = now
        self._direct = direct
        self._mentions: dict[tuple[str, GroupKey | None], list[Mention]] = {}
        self.touched: dict[int, Case] = {}

    def mention(self, case: Case, target: str, kind: Kind, group: GroupKey | None) -> None:
        """Have an incident mentioned to a target, which knows of it from now on. `group` None: it
        was held in quiet hours."""
        before = case.told.get(target)
        mention = Mention(
            kind,
            case.incident,
            case.subject,
            case.text,
            before.level if before is not None else None,
            "" if kind is Kind.RECOVERED else case.note,
        )
        self._mentions.setdefault((target, group), []).append(mention)
        self.touched[case.incident.id] = case
        if kind is Kind.RECOVERED:
            del case.told[target]
        else:
            told = _told(case, before, self._now)
            # A direct target is told of a level that is left, too.
            level = case.incident.level if target in self._direct else told.level
            case.told[target] = replace(told, level=level)

    def notices(self) -> tuple[Notice, ...]:
        """One for each target and group, or for all that waited in quiet hours."""
        return tuple(
            Notice(target, self._now, tuple(mentions), digest=group is None)
            for (target, group), mentions in self._mentions.items()
        )


def _clamp(case: Case, now: float) -> None:
    """Nobody was told after `now`, whatever the clock said then."""
    for name, told in case.told.items():
        if told.last > now:
            case.told[name] = replace(told, first=min(told.first, now), last=now)


def _told(case: Case, before: Told | None, now: float) -> Told:
    incident = case.incident
    if before is None:
        return Told(incident.level, now, now, incident.flapping, case.unmended)
    return Told(
        max(before.level, incident.level, key=lambda level: level.severity),
        before.first,
        now,
        before.flapping or incident.flapping,
        case.unmended,
    )


def _news(case: Case, told: Told, repeat: float, now: float) -> Kind | None:
    """What a target that was told of an incident doesn't know yet. While it is flapping, nothing
    is said of its levels."""
    incident = case.incident
    if incident.level.severity > told.level.severity and not incident.flapping:
        return Kind.WORSE
    if case.unmended > told.unmended:
        return Kind.NOT_MENDED
    if incident.flapping and not told.flapping:
        return Kind.FLAPPING
    if repeat and now >= told.last + repeat:
        return Kind.REMINDER
    return None


def _level_news(case: Case, told: Told | None) -> Kind | None:
    if told is None:
        return Kind.OPENED
    return None if told.level is case.incident.level else Kind.WORSE


def _about_a_person(event: Event) -> bool:
    """Whether it says what somebody did, not how things are."""
    return event.type in (EventType.ACKNOWLEDGED, EventType.UNACKNOWLEDGED)
