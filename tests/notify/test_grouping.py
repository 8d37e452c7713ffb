"""When notices go out: the play's clock is the test's."""

from dataclasses import replace
from typing import Any

import pytest

from outkept.model.event import Condition, Event, EventType
from outkept.notify.grouping import Group, GroupKey
from outkept.notify.message import About
from tests.notify.play import START, Play, routes, words

OPS: dict[str, object] = {"to": ["ops"]}


def test_what_opens_is_told_after_the_groups_first_wait() -> None:
    play = Play(routes(OPS))
    play.event("alarmed")
    assert words(play.wait(29)) == []
    assert words(play.wait(1)) == ["ops: opened web1"]
    assert play.wait(3600) == []


def test_what_opens_within_the_wait_is_one_notice() -> None:
    play = Play(routes(OPS))
    for number in range(3):
        play.event("alarmed", f"web{number}")
        play.wait(5)
    (notice,) = play.wait(60)
    assert [mention.incident.server for mention in notice.mentions] == ["web0", "web1", "web2"]


def test_the_next_notice_of_a_group_waits_for_its_interval() -> None:
    play = Play(routes(OPS | {"group_interval": "5m"}))
    play.event("alarmed", "web1")
    play.wait(30)
    play.event("alarmed", "web2")
    assert play.wait(299) == []
    assert words(play.wait(1)) == ["ops: opened web2"]


def test_groups_don_t_wait_for_each_other() -> None:
    play = Play(routes(OPS | {"group_by": ["server"]}))
    play.event("alarmed", "web1")
    play.wait(30)
    play.event("alarmed", "web2")
    assert words(play.wait(30)) == ["ops: opened web2"]
    assert len(play.told) == 2


def test_what_ends_before_it_is_told_is_never_told() -> None:
    play = Play(routes(OPS))
    play.event("alarmed")
    play.wait(10)
    play.event("recovered")
    assert play.wait(100_000) == []
    assert list(play.grouping.cases()) == []


def test_the_end_is_told_once_to_those_who_were_told() -> None:
    play = Play(routes(OPS))
    play.event("alarmed")
    play.wait(60)
    play.event("recovered")
    assert words(play.wait(300)) == ["ops: recovered web1"]
    assert play.wait(100_000) == []
    assert list(play.grouping.cases()) == []


def test_what_stays_open_is_not_told_again_when_another_ends() -> None:
    play = Play(routes(OPS))
    play.event("alarmed", "web1")
    play.event("alarmed", "web2")
    play.wait(60)
    play.event("recovered", "web2")
    assert words(play.wait(400)) == ["ops: recovered web2"]


def test_worse_is_told_and_better_is_not() -> None:
    play = Play(routes(OPS))
    play.event("warned")
    play.wait(60)
    play.event("alarmed")
    assert words(play.wait(300)) == ["ops: worse web1"]
    play.event("warned")
    play.event("alarmed")
    assert play.wait(3000) == []


def test_a_reminder_comes_as_often_as_was_asked_for() -> None:
    play = Play(routes(OPS | {"repeat_interval": "4h"}))
    play.event("alarmed")
    play.wait(30)
    assert play.wait(4 * 3600 - 1) == []
    assert words(play.wait(1)) == ["ops: reminder web1"]
    assert words(play.wait(8 * 3600)) == ["ops: reminder web1"] * 2


def test_reminders_that_come_soon_after_each_other_are_one() -> None:
    play = Play(routes(OPS | {"repeat_interval": "4h", "group_by": ["site"]}))
    play.event("alarmed", "web1")
    play.wait(30)
    play.event("alarmed", "web2")
    play.wait(300)
    notices = play.wait(4 * 3600)
    assert [len(notice.mentions) for notice in notices] == [2]


def test_without_a_repeat_interval_nobody_is_reminded() -> None:
    play = Play(routes(OPS | {"repeat_interval": "0s"}))
    play.event("alarmed")
    play.wait(30)
    assert play.wait(10_000_000) == []


def test_an_acknowledged_incident_is_not_told_until_it_ends() -> None:
    play = Play(routes(OPS | {"steps": [{"after": "15m", "to": ["boss"]}]}))
    play.event("warned")
    play.wait(60)
    play.event("acknowledged")
    play.event("alarmed")
    play.event("not_mended")
    assert play.wait(100_000) == []
    play.event("recovered")
    assert words(play.wait(300)) == ["ops: recovered web1"]


def test_what_is_acknowledged_before_it_is_told_is_not_told() -> None:
    play = Play(routes(OPS))
    play.event("alarmed")
    play.event("acknowledged")
    assert play.wait(100_000) == []


def test_a_withdrawn_acknowledgement_lets_everything_go_on() -> None:
    play = Play(routes(OPS | {"steps": [{"after": "15m", "to": ["boss"]}]}))
    play.event("alarmed")
    play.wait(60)
    play.event("acknowledged")
    play.wait(3600)
    play.event("unacknowledged")
    assert words(play.told) == ["ops: opened web1", "boss: escalated web1"]


def test_a_step_is_taken_when_nobody_takes_the_incident_on() -> None:
    steps = [{"after": "15m", "to": ["boss"]}, {"after": "30m", "to": ["chat"]}]
    play = Play(routes(OPS | {"steps": steps, "repeat_interval": "0s"}))
    play.event("alarmed")
    play.wait(30)
    assert play.wait(899) == []
    assert words(play.wait(1)) == ["boss: escalated web1"]
    assert words(play.wait(900)) == ["chat: escalated web1"]
    play.event("recovered")
    assert sorted(words(play.wait(300))) == [
        "boss: recovered web1",
        "chat: recovered web1",
        "ops: recovered web1",
    ]


def test_a_reaction_that_mended_nothing_takes_the_next_step_at_once() -> None:
    steps = [{"after": "15m", "to": ["boss"]}, {"after": "30m", "to": ["chat"]}]
    play = Play(routes(OPS | {"steps": steps}))
    play.event("alarmed")
    play.wait(30)
    play.event("not_mended")
    assert words(play.told[1:]) == ["ops: not mended web1", "boss: escalated web1"]
    play.event("not_mended")
    assert "chat: escalated web1" in words(play.told[3:])


def test_what_was_not_mended_before_anybody_was_told_is_told_at_once() -> None:
    play = Play(routes(OPS | {"steps": [{"after": "15m", "to": ["boss"]}]}))
    play.event("alarmed")
    play.event("not_mended")
    assert words(play.told) == ["ops: opened web1", "boss: escalated web1"]


def test_what_an_ended_incident_s_reaction_did_not_mend_counts_for_no_other() -> None:
    play = Play(routes(OPS | {"steps": [{"after": "15m", "to": ["boss"]}]}))
    first = play.event("alarmed")
    play.wait(30)
    play.event("recovered")
    second = play.event("alarmed")
    unmended = Event(play.at, EventType.NOT_MENDED, "x", "web1", "disk[/var]", incident=first)
    play.say(unmended)
    assert words(play.told) == ["ops: opened web1"]
    play.say(replace(unmended, incident=second))
    assert "boss: escalated web1" in words(play.told)


def test_what_is_silenced_is_told_when_the_silence_ends() -> None:
    play = Play(routes(OPS))
    play.held = {play.event("alarmed")}
    assert play.wait(1000) == []
    play.held.clear()
    play.look_again()
    assert words(play.wait(30)) == ["ops: opened web1"]


def test_the_groups_are_looked_through_once_for_all_servers_that_go() -> None:
    class Walked(dict[GroupKey, Group]):
        walks = 0

        def values(self) -> Any:
            self.walks += 1
            return super().values()

    play = Play(routes(OPS | {"group_by": ["server"]}))
    play.held = {play.event("alarmed")}
    play.wait(60)
    walked = play.grouping._groups = Walked(play.grouping._groups)
    for number in range(50):
        gone = Event(play.at, EventType.GONE, "x", f"db{number}", id=100 + number)
        play.grouping.take(replace(gone, condition=Condition.GONE), About("", "", {}), play.at)
    assert walked.walks == 0
    assert play.grouping.next_look() == play.at
    assert len(play.grouping.due(play.at)) == 1
    assert walked.walks == 3


def test_a_silence_that_ends_by_the_clock_is_noticed() -> None:
    play = Play(routes(OPS))
    play.held = {play.event("alarmed")}
    play.wait(1000)
    play.held.clear()
    assert words(play.wait(60)) == ["ops: opened web1"]


def test_what_ends_in_a_silence_is_told_to_those_who_knew() -> None:
    play = Play(routes(OPS))
    first = play.event("alarmed", "web1")
    play.wait(60)
    play.held = {first, play.event("alarmed", "web2")}
    play.event("recovered", "web1")
    play.event("recovered", "web2")
    assert words(play.wait(100_000)) == ["ops: recovered web1"]


def test_flapping_is_told_once() -> None:
    play = Play(routes(OPS))
    play.event("alarmed")
    play.wait(60)
    play.event("flapping")
    assert words(play.wait(300)) == ["ops: flapping web1"]
    play.event("alarmed")
    play.event("flapping")
    assert play.wait(3000) == []


def test_flapping_is_not_told_again_after_a_reminder() -> None:
    play = Play(routes(OPS | {"repeat_interval": "1h"}))
    play.event("alarmed")
    play.wait(60)
    play.event("flapping")
    play.wait(600)
    play.event("alarmed")
    assert words(play.wait(3600)) == ["ops: reminder web1"]
    play.event("flapping")
    assert play.wait(600) == []


def test_while_it_flaps_nothing_is_said_of_its_level() -> None:
    play = Play(routes(OPS))
    play.event("warned")
    play.wait(60)
    play.event("alarmed")
    play.event("flapping")
    assert words(play.wait(600)) == ["ops: flapping web1"]


def test_two_routes_to_one_target_tell_it_once() -> None:
    play = Play(
        routes(
            OPS | {"continue": True, "group_by": ["server"]},
            {"to": ["ops", "boss"], "group_wait": "2m"},
        )
    )
    play.event("alarmed")
    assert words(play.wait(1000)) == ["ops: opened web1", "boss: opened web1"]
    play.event("recovered")
    assert sorted(words(play.wait(1000))) == ["boss: recovered web1", "ops: recovered web1"]


def test_the_first_route_that_takes_an_incident_is_the_only_one() -> None:
    play = Play(routes({"to": ["boss"], "levels": ["alarmed"]}, OPS))
    play.event("alarmed", "web1")
    play.event("warned", "web2")
    assert words(play.wait(60)) == ["boss: opened web1", "ops: opened web2"]


def test_an_incident_that_changes_its_route_still_ends_for_those_of_the_old() -> None:
    play = Play(routes({"to": ["boss"], "levels": ["alarmed"]}, OPS))
    play.event("warned")
    play.wait(60)
    play.event("alarmed")
    assert words(play.wait(60)) == ["boss: opened web1"]
    play.event("recovered")
    assert sorted(words(play.wait(600))) == ["boss: recovered web1", "ops: recovered web1"]


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ({"match": {"hostname": "WEB*"}}, True),
        ({"match": {"hostname": "db*"}}, False),
        ({"match": {"labels": {"site": "lis*"}}}, True),
        ({"match": {"labels": {"rack": "*"}}}, False),
        ({"sensors": ["load", "disk"]}, True),
        ({"sensors": ["disk[/v*]"]}, True),
        ({"sensors": ["memory"]}, False),
        ({"conditions": ["gone"]}, False),
        ({"conditions": ["gone", "level"]}, True),
        ({"levels": ["warned"]}, False),
    ],
)
def test_a_route_takes_what_it_says(route: dict[str, object], *, told: bool) -> None:
    play = Play(routes(OPS | route))
    play.event("alarmed")
    assert bool(play.wait(60)) is told


NIGHT: dict[str, object] = {"from": "22:00", "to": "07:00", "zone": "UTC"}
"""START is a Tuesday at 22:13:20 UTC."""


def test_quiet_hours_end_with_one_digest_of_what_still_is() -> None:
    play = Play(routes(OPS | {"quiet": NIGHT, "group_by": ["server"], "repeat_interval": "0s"}))
    for server in ("web1", "web2", "web3"):
        play.event("warned", server)
    play.wait(3600)
    play.event("recovered", "web2")
    assert play.wait(5 * 3600) == []
    (digest,) = play.wait(4 * 3600)
    assert digest.digest
    assert words([digest]) == ["ops: opened web1", "ops: opened web3"]
    assert digest.at - START == pytest.approx(8 * 3600 + 47 * 60 - 20, abs=61)


def test_what_was_told_before_quiet_hours_is_in_the_digest_as_ended() -> None:
    play = Play(routes(OPS | {"quiet": NIGHT}), at=START - 3600)
    play.event("alarmed")
    play.wait(3600)
    assert words(play.told) == ["ops: opened web1"]
    play.event("recovered")
    assert play.wait(3600) == []
    (digest,) = play.wait(9 * 3600)
    assert words([digest]) == ["ops: recovered web1"]


def test_a_level_that_quiet_hours_let_through_is_told_from_beginning_to_end() -> None:
    play = Play(routes(OPS | {"quiet": NIGHT | {"except": ["alarmed"]}}))
    play.event("alarmed")
    assert words(play.wait(60)) == ["ops: opened web1"]
    play.event("recovered")
    assert words(play.wait(600)) == ["ops: recovered web1"]


def test_steps_wait_for_the_morning_too() -> None:
    play = Play(routes(OPS | {"quiet": NIGHT, "steps": [{"after": "5m", "to": ["boss"]}]}))
    play.event("alarmed")
    play.event("not_mended")
    assert play.wait(8 * 3600) == []
    assert [notice.target for notice in play.wait(2 * 3600)] == ["ops", "boss"]


def test_a_direct_target_hears_of_each_level_at_once_and_is_never_reminded() -> None:
    play = Play(routes({"to": ["am"], "quiet": NIGHT, "repeat_interval": "1h"}), direct=["am"])
    play.event("warned")
    play.event("alarmed")
    play.event("acknowledged")
    play.event("warned")
    play.event("not_mended")
    play.wait(100_000)
    play.event("recovered")
    said = ["opened", "worse", "worse", "recovered"]
    assert words(play.told) == [f"am: {kind} web1" for kind in said]
    assert [notice.mentions[0].before for notice in play.told] == [
        None, "warned", "alarmed", "warned",
    ]  # fmt: skip


def test_a_server_that_is_removed_ends_what_was_told_of_it() -> None:
    play = Play(routes(OPS))
    play.event("alarmed", "web1")
    play.event("alarmed", "web2")
    play.wait(60)
    play.event("removed", "web1", None)
    (notice,) = play.wait(300)
    assert words([notice]) == ["ops: recovered web1"]
    assert notice.mentions[0].text == "web1: it is removed"


def test_those_whose_route_is_gone_hear_how_it_ended() -> None:
    before = Play(routes(OPS))
    before.event("alarmed")
    before.wait(60)
    after = Play(routes({"to": ["boss"]}), at=before.at)
    for case in before.grouping.cases():
        case.groups = set()
        after.grouping.restore(case, after.at)
    assert words(after.wait(60)) == ["boss: opened web1"]
    after.event("recovered")
    after.wait(600)
    assert sorted(words(after.told[1:])) == ["boss: recovered web1", "ops: recovered web1"]


def test_a_restart_tells_nothing_a_second_time_and_forgets_nothing() -> None:
    before = Play(routes(OPS | {"steps": [{"after": "15m", "to": ["boss"]}]}))
    before.event("alarmed", "web1")
    before.wait(60)
    before.event("alarmed", "web2")
    after = Play(before.routes, at=before.at + 10)
    for case in before.grouping.cases():
        case.groups = set()
        after.grouping.restore(case, after.at)
    assert words(after.wait(500)) == ["ops: opened web2"]
    assert words(after.wait(1000)) == ["boss: escalated web1", "boss: escalated web2"]


def test_a_clock_that_was_set_back_over_a_restart_holds_nothing_up() -> None:
    before = Play(routes(OPS | {"repeat_interval": "4h"}))
    before.event("alarmed", "web1")
    before.wait(60)
    before.event("alarmed", "web2")
    after = Play(before.routes, at=before.at - 86400)
    for case in before.grouping.cases():
        case.groups = set()
        after.grouping.restore(case, after.at)
    assert words(after.wait(300)) == ["ops: opened web2"]
    assert "ops: reminder web1" in words(after.wait(4 * 3600))
