"""What the simulated machines print for the sensors of the library."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from itertools import pairwise

import pytest

from outkept.act.environment import with_environment
from outkept.demo.answers import Clock, Commands, Household
from outkept.demo.characters import Character
from outkept.demo.machines import Machine, company
from outkept.demo.moods import HEIGHTS
from outkept.demo.support import ROLES, supports
from outkept.demo.values import ALIKE, MODELS, SWINGS, USUAL
from outkept.model.command import CommandResult
from outkept.model.level import Level
from outkept.model.reading import Sample
from outkept.model.sensor import Sensor
from outkept.poll.parse import ParseError, parse_output
from outkept.ssh.script import for_any_shell

NOW = 1_800_000_000.0
MACHINES = company(36, ip_network("127.77.0.0/24"), 1).machines
TIMES = (0.0, 7.3, 42.0, 119.0, 150.0, 3600.0, 86400.5)


def household(machine: Machine, library: dict[str, Sensor], t: float = 0.0) -> Household:
    return Household(machine, Commands.of(library), Clock(lambda: t, lambda: NOW + t))


def of(character: Character) -> Machine:
    return next(machine for machine in MACHINES if machine.character is character)


def read(house: Household, sensor: Sensor) -> tuple[Sample, ...]:
    answer = house.answer(sensor.cmd)
    return parse_output(sensor, CommandResult(answer.status, answer.stdout, answer.stderr))


def first(house: Household, sensor: Sensor) -> float:
    value = read(house, sensor)[0].value
    assert isinstance(value, float)
    return value


def over(machine: Machine, sensor: Sensor, times: range) -> list[float]:
    library = {sensor.name: sensor}
    return [first(household(machine, library, t), sensor) for t in times]


def level(sensor: Sensor, value: float) -> Level:
    """The plain reading of the thresholds, without `for` and `clear`."""
    for limit, name in ((sensor.alarm, Level.ALARMED), (sensor.warning, Level.WARNED)):
        if limit is not None and (value <= limit if sensor.inverted else value >= limit):
            return name
    return Level.NORMAL


def readings(library: dict[str, Sensor]) -> Iterator[tuple[Machine, Sensor, Household]]:
    for machine in MACHINES:
        for t in TIMES:
            house = household(machine, library, t)
            for sensor in library.values():
                if supports(machine, sensor) and not house.answer(sensor.cmd).flood:
                    yield machine, sensor, house


def test_everything_that_is_simulated_parses(library: dict[str, Sensor]) -> None:
    for machine, sensor, house in readings(library):
        if machine.character is not Character.UNPARSABLE:
            assert read(house, sensor), (machine.hostname, sensor.name)


def test_nothing_on_the_unparsable_server_is_a_number(library: dict[str, Sensor]) -> None:
    for machine, sensor, house in readings(library):
        if machine.character is Character.UNPARSABLE and sensor.parse in ("number", "table"):
            with pytest.raises(ParseError):
                read(house, sensor)


def test_a_healthy_machine_is_all_normal(library: dict[str, Sensor]) -> None:
    for machine, sensor, house in readings(library):
        if machine.character in (Character.HEALTHY, Character.IDLE) and not sensor.rate:
            for sample in read(house, sensor):
                if isinstance(sample.value, float):
                    assert level(sensor, sample.value) is Level.NORMAL, (sensor.name, sample)


def test_every_sensor_of_the_library_applies_somewhere(library: dict[str, Sensor]) -> None:
    homeless = [
        sensor.name
        for sensor in library.values()
        if not any(supports(machine, sensor) for machine in MACHINES)
    ]
    assert homeless == []


def test_verifiers_say_yes_exactly_where_a_sensor_applies(library: dict[str, Sensor]) -> None:
    for machine in MACHINES:
        house = household(machine, library)
        by_verifier = house.commands.by_verifier
        for sensor in library.values():
            answer = house.answer(sensor.verifier)
            if (
                sensor.verifier
                and not answer.never
                and len(by_verifier[sensor.verifier.strip()]) == 1
            ):
                assert (answer.stdout == b"yes\n") == supports(machine, sensor)


def test_every_name_the_simulation_knows_is_in_the_library(library: dict[str, Sensor]) -> None:
    known = {sensor for _, sensor in HEIGHTS} | {
        *MODELS,
        *USUAL,
        *SWINGS,
        *ALIKE,
        "users",
        "apache",
    }
    assert sorted(known - set(library)) == []
    assert [p for p in ROLES if not any(name.startswith(p) for name in library)] == []


def test_the_same_seed_and_time_print_the_same(library: dict[str, Sensor]) -> None:
    for machine, sensor, house in readings(library):
        assert house.answer(sensor.cmd) == household(machine, library, house.clock.age()).answer(
            sensor.cmd
        )


def test_counters_never_fall(library: dict[str, Sensor]) -> None:
    for sensor in library.values():
        if sensor.rate:
            machine = next(m for m in MACHINES if supports(m, sensor))
            values = over(machine, sensor, range(0, 300, 2))
            assert values == sorted(values), sensor.name


def test_a_disk_fills_within_two_minutes_and_a_reaction_empties_it(
    library: dict[str, Sensor],
) -> None:
    disk = replace(library["disk"], reactive="rm -rf /var/tmp/cache")
    machine = of(Character.FILLING_DISK)
    levels = [level(disk, value) for value in over(machine, disk, range(0, 190, 5))]
    assert levels[0] is Level.NORMAL
    assert Level.ALARMED in levels[: 120 // 5 + 1]
    assert levels[-1] is Level.ALARMED
    age = 150.0
    house = Household(machine, Commands.of({"disk": disk}), Clock(lambda: age, lambda: NOW))
    assert level(disk, first(house, disk)) is Level.ALARMED
    assert house.answer("rm -rf /var/tmp/cache").status == 0
    assert house.reactions == ["rm -rf /var/tmp/cache"]
    assert level(disk, first(house, disk)) is Level.NORMAL


def test_a_full_disk_is_cleaned_in_the_end(library: dict[str, Sensor]) -> None:
    disk = library["disk"]
    assert level(disk, over(of(Character.FILLING_DISK), disk, range(200, 201))[0]) is Level.NORMAL


def test_apache_dies_and_a_reaction_starts_it(library: dict[str, Sensor]) -> None:
    apache = replace(library["apache"], reactive="systemctl restart apache2")
    age = 0.0
    house = Household(
        of(Character.DEAD_DAEMON),
        Commands.of({"apache": apache}),
        Clock(lambda: age, lambda: NOW),
    )
    assert first(house, apache) > 0
    age = 60.0
    assert first(house, apache) == 0
    house.answer("systemctl restart apache2")
    assert first(house, apache) > 0


def test_a_crowded_web_server_trips_its_reaction_and_is_relieved_by_it(
    library: dict[str, Sensor],
) -> None:
    apache, age = library["apache"], 0.0
    assert apache.reactive
    machine = next(m for m in MACHINES if m.character is Character.BUSY and supports(m, apache))
    house = Household(machine, Commands.of(library), Clock(lambda: age, lambda: NOW))
    assert first(house, apache) > 0
    assert level(apache, first(house, apache)) is Level.NORMAL
    age = 140.0
    assert level(apache, first(house, apache)) is Level.ALARMED
    # As the daemon sends it: with what it is about before it, and for any login shell.
    sent = for_any_shell(with_environment(apache.reactive, {"OUTKEPT_VALUE": "it's 460"}), "0a")
    assert house.answer(sent).status == 0
    assert house.reactions == [apache.reactive.strip()]
    assert level(apache, first(house, apache)) is Level.NORMAL


def test_load_flaps_through_all_levels(library: dict[str, Sensor]) -> None:
    load = library["load"]
    levels = [level(load, v) for v in over(of(Character.FLAPPING), load, range(0, 80, 2))]
    assert set(levels) == set(Level)
    assert sum(a != b for a, b in pairwise(levels)) >= 6


@pytest.mark.parametrize(
    ("character", "sensor", "worst"),
    [
        (Character.HOT, "temperature", Level.ALARMED),
        (Character.CERTIFICATE, "certificates", Level.WARNED),
        (Character.DEGRADED_RAID, "mdadm", Level.ALARMED),
        (Character.PENDING_UPDATES, "updates", Level.WARNED),
    ],
)
def test_what_is_wrong_with_a_machine_shows(
    library: dict[str, Sensor], character: Character, sensor: str, worst: Level
) -> None:
    machine, definition = of(character), library[sensor]
    assert supports(machine, definition)
    levels = {level(definition, value) for value in over(machine, definition, range(0, 600, 10))}
    assert worst in levels


def test_an_empty_library_leaves_nothing_but_the_identity() -> None:
    house = household(of(Character.HEALTHY), {})
    assert house.answer("uptime").status == 127
    assert house.answer("").status == 127
