"""A notice in words: jinja2 templates, sandboxed, of bounded output."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from outkept.config.durations import format_duration
from outkept.model.event import Condition
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.notice import Urgency
from outkept.model.silence import Subject
from outkept.notify.message import Kind, Mention, Notice
from outkept.notify.text import harmless, visible

LONGEST_TITLE = 250
LONGEST_BODY = 4000
MOST_SHOWN = 30
"""Incidents that a notice shows, the worst first; it says how many more there are."""
MOST_NAMES = 3
MOST_LABELS = 8

TITLE = (
    "{% if incidents|length == 1 and not more %}{{ incidents[0].summary }}"
    "{% else %}{{ counts }}: {{ names }}{% endif %}"
)
BODY = """\
{% if digest %}
Held in quiet hours:
{% endif %}
{% for one in incidents %}
{% if incidents|length > 1 or more %}
{{ one.summary }}
{% endif %}
{{ one.when }}{% if one.note %}; {{ one.note }}{% endif %}

{% if one.link %}
{{ one.link }}
{% endif %}
{% endfor %}
{% if more %}
… and {{ more }} more
{% endif %}
"""

_JUST_NOW_S = 90.0
_ORDER = (
    Kind.NOT_MENDED,
    Kind.WORSE,
    Kind.ESCALATED,
    Kind.OPENED,
    Kind.FLAPPING,
    Kind.REMINDER,
    Kind.RECOVERED,
)
_log = logging.getLogger(__name__)


# Notices are text: what a service's format needs escaped is escaped when it is sent.
_ENVIRONMENT = ImmutableSandboxedEnvironment(
    autoescape=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Words:
    """A notice as it is sent."""

    title: str
    body: str
    urgency: Urgency


class Templates:
    """The templates of title and body; None: those that come with Outkept. `link` is the
    dashboard's origin, None where notices lead nowhere."""

    def __init__(self, title: str | None, body: str | None, link: str | None) -> None:
        self._own = (compiled(title or TITLE), compiled(body or BODY))
        self._plain = (compiled(TITLE), compiled(BODY))
        self._link = link
        self._complained = False

    def words(self, notice: Notice) -> Words:
        """The notice in words. What a template of the configuration can't say is said in ours,
        and logged once."""
        context = _context(notice, self._link)
        try:
            title, body = (_rendered(template, context) for template in self._own)
        except Exception as error:  # noqa: BLE001 - a template may raise anything
            if not self._complained:
                self._complained = True
                _log.error("notify.templates: %s; notices are told in other words", _fault(error))
            title, body = (_rendered(template, context) for template in self._plain)
        line = " ".join(title.split())[:LONGEST_TITLE]
        return Words(line or "Outkept", body, _urgency(notice))


def compiled(source: str) -> Template:
    """Raises TemplateError."""
    return _ENVIRONMENT.from_string(source)


def template_fault(source: str) -> tuple[int, str] | None:
    """What is wrong with a template, if anything, and in which of its lines, counted from 1. It
    is tried on a notice, so that a name it does not know is found, too."""
    try:
        _rendered(compiled(source), _context(sample(), "https://outkept.example.org"))
    except TemplateError as error:
        return getattr(error, "lineno", None) or 1, _fault(error)
    except Exception as error:  # noqa: BLE001 - a template may raise anything
        return 1, _fault(error)
    return None


def sample() -> Notice:
    """A made-up notice, to try templates on."""
    incidents = [
        Incident(number, Condition.LEVEL, "0123456789ab", "disk[/var]", level, level, 0.0, 97.0, "")
        for number, level in enumerate((Level.ALARMED, Level.WARNED), 1)
    ]
    subject = Subject("0123456789ab", "web1", {"site": "lisbon"}, "disk[/var]")
    text = "web1: disk[/var] is 97 % >= 95 (alarmed)"
    kinds = (Kind.OPENED, Kind.RECOVERED)
    mentions = [Mention(k, i, subject, text) for k, i in zip(kinds, incidents, strict=True)]
    return Notice("ops", 60.0, tuple(mentions))


def _fault(error: Exception) -> str:
    return visible(error)[:200] or type(error).__name__


def _rendered(template: Template, context: dict[str, Any]) -> str:
    parts, length = list[str](), 0
    for part in template.generate(context):
        parts.append(part)
        length += len(part)
        if length > LONGEST_BODY:
            return "".join(parts)[: LONGEST_BODY - 1] + "…"
    return "".join(parts).strip()


def _context(notice: Notice, link: str | None) -> dict[str, Any]:
    ordered = sorted(
        notice.mentions,
        key=lambda one: (_ORDER.index(one.kind), -one.incident.level.severity, one.incident.id),
    )
    shown = ordered[:MOST_SHOWN]
    return {
        "target": notice.target,
        "at": notice.at,
        "digest": notice.digest,
        "incidents": [_shown(mention, notice.at, link) for mention in shown],
        "more": len(ordered) - len(shown),
        "counts": _counts(ordered),
        "names": _names(ordered),
    }


def _shown(mention: Mention, now: float, link: str | None) -> dict[str, Any]:
    incident, subject = mention.incident, mention.subject
    labels = {
        harmless(name, 64): harmless(value, 100)
        for name, value in sorted(subject.labels.items())[:MOST_LABELS]
    }
    said = ", ".join(f"{name}={value}" for name, value in labels.items())
    text = harmless(_without_level(mention.text))
    return {
        "id": incident.id,
        "kind": mention.kind.value,
        "word": word_of(mention),
        "summary": f"{word_of(mention)} {text}" + (f" ({said})" if said else ""),
        "text": text,
        "note": harmless(mention.note),
        "server": subject.server,
        "hostname": harmless(subject.hostname),
        "sensor": harmless(subject.sensor),
        "condition": incident.condition.value,
        "level": incident.level.value,
        "worst": incident.worst.value,
        "value": harmless(incident.value) if isinstance(incident.value, str) else incident.value,
        "labels": labels,
        "opened": incident.opened,
        "ended": incident.ended,
        "acknowledged_by": harmless(incident.acknowledged_by),
        "when": _when(incident, now),
        "link": f"{link}/#/incidents/{incident.id}" if link else "",
    }


def word_of(mention: Mention) -> str:
    """What a mention begins with."""
    level = "ALARM" if mention.incident.level is Level.ALARMED else "WARNING"
    return {
        Kind.ESCALATED: f"ESCALATED {level}",
        Kind.NOT_MENDED: f"NOT MENDED {level}",
        Kind.REMINDER: f"STILL {level}",
        Kind.FLAPPING: "FLAPPING",
        Kind.RECOVERED: "OK",
    }.get(mention.kind, level)


def _without_level(text: str) -> str:
    """An event's message ends in the level, which the word before it says."""
    for level in Level:
        text = text.removesuffix(f" ({level.value})")
    return text


def _when(incident: Incident, now: float) -> str:
    end = now if incident.ended is None else incident.ended
    lasted = format_duration(max(60.0, 60.0 * round((end - incident.opened) / 60)))
    if incident.ended is not None:
        return f"From {_clock(incident.opened)} until {_clock(end)} ({lasted})"
    return f"Since {_clock(incident.opened)}" + (
        f" ({lasted})" if end - incident.opened > 90 else ""
    )


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def _counts(mentions: Sequence[Mention]) -> str:
    counted = Counter(word_of(mention) for mention in mentions)
    return ", ".join(f"{count} {word}" for word, count in counted.items())


def _names(mentions: Iterable[Mention]) -> str:
    names = list(dict.fromkeys(one.subject.hostname or "fleet" for one in mentions))
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(harmless(name, 60) for name in names[:MOST_NAMES]) + more


def _urgency(notice: Notice) -> Urgency:
    open_ = [one.incident.level for one in notice.mentions if one.kind is not Kind.RECOVERED]
    if not open_:
        return Urgency.OK
    return Urgency.ALARM if Level.ALARMED in open_ else Urgency.WARNING
