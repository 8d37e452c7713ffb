"""Notices in words: as they come with Outkept, and as the configuration writes them."""

import logging

import pytest

from outkept.model.event import Condition
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.notice import Urgency
from outkept.model.silence import Subject
from outkept.notify.message import Kind, Mention, Notice
from outkept.notify.templates import LONGEST_BODY, LONGEST_TITLE, Templates, template_fault

SITE = {"site": "lisbon"}
TEXT = "web1: disk[/var] is 97 % >= 95 (alarmed)"


def mention(
    kind: Kind = Kind.OPENED,
    *,
    level: Level = Level.ALARMED,
    number: int = 1,
    text: str = TEXT,
    ended: float | None = None,
    labels: dict[str, str] = SITE,
    note: str = "",
) -> Mention:
    incident = Incident(
        number, Condition.LEVEL, "a", "disk[/var]", level, level, 1000.0, 97.0, text, ended
    )
    return Mention(
        kind, incident, Subject("a", f"web{number}", labels, "disk[/var]"), text, None, note
    )


def words(*mentions: Mention, link: str | None = None, digest: bool = False) -> tuple[str, str]:
    made = Templates(None, None, link).words(Notice("ops", 1030.0, mentions, digest))
    return made.title, made.body


def test_the_title_alone_says_it() -> None:
    title, body = words(mention(), link="https://outkept.example.org")
    assert title == "ALARM web1: disk[/var] is 97 % >= 95 (site=lisbon)"
    since, link = body.splitlines()
    assert since.startswith("Since 1970-01-01 ")
    assert link == "https://outkept.example.org/#/incidents/1"


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (Kind.OPENED, "ALARM"),
        (Kind.WORSE, "ALARM"),
        (Kind.ESCALATED, "ESCALATED ALARM"),
        (Kind.NOT_MENDED, "NOT MENDED ALARM"),
        (Kind.REMINDER, "STILL ALARM"),
        (Kind.FLAPPING, "FLAPPING"),
        (Kind.RECOVERED, "OK"),
    ],
)
def test_the_first_word_says_why_it_is_told(kind: Kind, word: str) -> None:
    assert words(mention(kind))[0].startswith(f"{word} web1: ")


def test_several_incidents_are_counted_and_listed_the_worst_first() -> None:
    title, body = words(
        mention(Kind.RECOVERED, number=1, ended=1020.0),
        mention(number=2, level=Level.WARNED),
        *(mention(number=number) for number in (3, 4, 5)),
    )
    assert title == "3 ALARM, 1 WARNING, 1 OK: web3, web4, web5 and 2 more"
    lines = [line for line in body.splitlines() if "disk" in line]
    assert [line.split()[0] for line in lines] == ["ALARM"] * 3 + ["WARNING", "OK"]
    assert "until 1970-01-01" in body


def test_a_digest_says_so_and_a_note_is_shown() -> None:
    _, body = words(mention(), digest=True)
    assert body.splitlines()[0] == "Held in quiet hours:"
    _, body = words(mention(Kind.NOT_MENDED, note="the restart mended nothing"))
    assert "; the restart mended nothing" in body


def test_a_thousand_incidents_fit() -> None:
    many = [mention(number=number, text="x" * 1000) for number in range(1000)]
    title, body = words(*many)
    assert len(title) <= LONGEST_TITLE
    assert len(body) <= LONGEST_BODY
    _, body = words(*[mention(number=number) for number in range(50)])
    assert body.endswith("… and 20 more")


@pytest.mark.parametrize(
    ("mentions", "urgency"),
    [
        ([mention(), mention(level=Level.WARNED)], Urgency.ALARM),
        ([mention(level=Level.WARNED), mention(Kind.RECOVERED)], Urgency.WARNING),
        ([mention(Kind.RECOVERED)], Urgency.OK),
    ],
)
def test_the_urgency_is_that_of_the_worst(mentions: list[Mention], urgency: Urgency) -> None:
    assert Templates(None, None, None).words(Notice("o", 0.0, tuple(mentions))).urgency is urgency


def test_own_templates_have_everything_at_hand() -> None:
    body = (
        "{% for one in incidents %}{{ one.word }}|{{ one.hostname }}|{{ one.sensor }}|"
        "{{ one.labels.site }}|{{ one.value }}|{{ one.level }}|{{ one.condition }}{% endfor %}"
    )
    made = Templates("{{ target }}: {{ counts }}\n\n", body, None).words(
        Notice("ops", 1030.0, (mention(),))
    )
    assert made.title == "ops: 1 ALARM"
    assert made.body == "ALARM|web1|disk[/var]|lisbon|97.0|alarmed|level"


def test_a_template_that_fails_is_replaced_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    templates = Templates("{{ incidents[7].text }}", None, None)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert templates.words(Notice("o", 0.0, (mention(),))).title.startswith("ALARM web1")
    assert len(caplog.records) == 1


def test_an_endless_template_is_cut() -> None:
    made = Templates(None, "{% for n in range(99999) %}xxxxxxxxxx{% endfor %}", None)
    assert len(made.words(Notice("o", 0.0, (mention(),))).body) == LONGEST_BODY


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("{{ title", 1),
        ("ok\n{% if %}", 2),
        ("{{ nothing }}", 1),
        ("{{ incidents.__class__.__mro__ }}", 1),
        ("{{ incidents.append(1) }}", 1),
    ],
)
def test_what_is_wrong_with_a_template_is_found_before_it_is_used(source: str, line: int) -> None:
    fault = template_fault(source)
    assert fault is not None
    assert fault[0] == line
    assert fault[1]


def test_what_is_a_servers_own_is_never_a_template() -> None:
    title, _ = words(mention(text="web1: {{ 7 * 7 }} {% raw %}", labels={"a": "{{ 1 }}"}))
    assert title == "ALARM web1: {{ 7 * 7 }} {% raw %} (a={{ 1 }})"
