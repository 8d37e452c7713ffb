"""Which servers overrides touch, against what `sensor_for` makes of each server's sensors."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from outkept.config.overrides import MatchSubject, matches, sensor_for
from outkept.config.preview import MOST_SHOWN, Preview
from outkept.config.settings import Override
from outkept.model.sensor import Sensor

LOAD = Sensor("load", "uptime", warning=5, alarm=10)
DISK = Sensor("disk", "df", warning=80, alarm=90)


def overrides(*items: dict[str, Any]) -> list[Override]:
    return [Override.model_validate(item) for item in items]


RULES = overrides(
    {"match": {"hostname": "db*"}, "set": {"load": {"alarm": 20, "for": 3}}},
    {"set": {"load": {"alarm": 15, "warning": 9}, "disk": {"alarm": None}}},
)


def test_an_override_says_what_it_touches_and_where_it_holds() -> None:
    preview = Preview(RULES, [LOAD, DISK])
    preview.add("a", MatchSubject("web1"), ["load", "disk"])
    preview.add("b", MatchSubject("db1"), ["load"])
    preview.add("c", MatchSubject("db2"), None)
    first, second = preview.views()
    assert (first["number"], first["match"], first["servers"]) == (1, {"hostname": "db*"}, 2)
    assert first["first"] == [{"id": "b", "hostname": "db1"}, {"id": "c", "hostname": "db2"}]
    assert first["sensors"] == [
        {
            "sensor": "load",
            "changes": [
                {"key": "alarm", "from": 10, "to": 20, "servers": 2},
                {"key": "for", "from": 1, "to": 3, "servers": 2},
            ],
        }
    ]
    assert second["servers"] == 3
    # On db1 and db2 the first says another alarm; db1 has no disk.
    assert [(one["key"], one["servers"]) for one in second["sensors"][0]["changes"]] == [
        ("alarm", 1),
        ("warning", 3),
    ]
    assert second["sensors"][1]["changes"] == [
        {"key": "alarm", "from": 90, "to": None, "servers": 2}
    ]


def test_only_the_first_servers_are_named() -> None:
    preview = Preview(RULES, [LOAD])
    for number in range(MOST_SHOWN + 5):
        preview.add(f"{number:03}", MatchSubject(f"db{number:03}"), ["load"])
    assert preview.views()[0]["servers"] == MOST_SHOWN + 5
    assert [one["id"] for one in preview.views()[0]["first"]][-1] == f"{MOST_SHOWN - 1:03}"


CHANGES = st.dictionaries(st.sampled_from(["alarm", "warning", "for"]), st.integers(1, 50))
GENERATED = st.lists(
    st.builds(
        lambda glob, sets: Override.model_validate({"match": {"hostname": glob}, "set": sets}),
        st.sampled_from(["*", "db*", "web*", "db1"]),
        st.dictionaries(st.sampled_from(["load", "disk"]), CHANGES, max_size=2),
    ),
    max_size=5,
)


@given(GENERATED, st.lists(st.sampled_from(["db1", "db2", "web1"]), max_size=5))
def test_where_it_holds_is_where_the_sensor_is_so(rules: list[Override], names: list[str]) -> None:
    preview = Preview(rules, [LOAD, DISK])
    servers = [MatchSubject(name) for name in names]
    for number, server in enumerate(servers):
        preview.add(str(number), server, ["load", "disk"])
    for rule, view in zip(rules, preview.views(), strict=True):
        assert view["servers"] == sum(matches(rule.match, server) for server in servers)
        for changed in view["sensors"]:
            sensor = LOAD if changed["sensor"] == "load" else DISK
            for change in changed["changes"]:
                key = "for_" if change["key"] == "for" else change["key"]
                there = [getattr(sensor_for(sensor, rules, one), key) for one in servers]
                # Another override may say the same.
                assert change["servers"] <= there.count(change["to"])
                if not change["servers"]:
                    continue
                assert change["to"] in there
