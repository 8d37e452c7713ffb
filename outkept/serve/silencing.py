"""From what is asked for to a silence. Pure."""

from math import inf

from outkept.model.silence import DAYS, MINUTES_A_DAY, Silence, Weekly
from outkept.serve.problems import Problem
from outkept.serve.shapes_desk import SilenceRequest, WeeklyRequest

LONGEST_S = 10 * 365 * 86_400.0
"""Seconds from now until a silence has to end, where it names an end at all."""


def silence_of(wanted: SilenceRequest, now: float, author: str) -> Silence:
    """The silence that is asked for at `now`. Raises Problem (422), which names the key."""
    starts = max(now, now if wanted.starts is None else wanted.starts)
    silence = Silence(
        starts,
        _end(wanted, starts, now),
        wanted.reason,
        author,
        wanted.server,
        wanted.sensor,
        wanted.labels,
        None if wanted.weekly is None else _weekly(wanted.weekly),
    )
    if silence.is_about_everything and not wanted.everything:
        raise Problem(
            422, "body.everything: this would silence everything; say true if that is meant"
        )
    if silence.window(now) is None:
        raise Problem(422, "body.weekly: none of its windows lies between starts and ends")
    return silence


def _end(wanted: SilenceRequest, starts: float, now: float) -> float:
    if wanted.ends is not None and wanted.for_ is not None:
        raise Problem(422, "body.for: say either `ends` or `for`")
    if wanted.ends is None and wanted.for_ is None:
        if wanted.weekly is None:
            raise Problem(422, "body.ends: say until when, with `ends` or `for`")
        return inf
    ends = starts + (wanted.for_ or 0.0) if wanted.ends is None else wanted.ends
    key = "ends" if wanted.for_ is None else "for"
    if ends <= now:
        raise Problem(422, f"body.{key}: it would be over already")
    if ends <= starts:
        raise Problem(422, f"body.{key}: it would end before it starts")
    if ends > now + LONGEST_S:
        raise Problem(422, f"body.{key}: it would last longer than ten years")
    return ends


def _weekly(wanted: WeeklyRequest) -> Weekly:
    start = _minutes(wanted.from_)
    if (wanted.to is None) == (wanted.length is None):
        raise Problem(422, "body.weekly.to: say either `to` or `length`")
    if wanted.length is not None:
        length = round(wanted.length / 60)
    else:
        assert wanted.to is not None
        # The same time of day is that of the next day.
        length = (_minutes(wanted.to) - start) % MINUTES_A_DAY or MINUTES_A_DAY
    days = frozenset(DAYS.index(day) for day in wanted.days)
    return Weekly(days, start, length, wanted.zone)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
