"""What `outkept demo` makes of its options."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from outkept.cli.demo import FEW, MOST_SERVERS, demo_plan, network_for
from outkept.demo import FileLimitError, make_room, simulated_fleet
from outkept.demo.machines import company
from tests.cli.command import outkept


@pytest.mark.parametrize("servers", [1, 36, 200, 251, 252, 253, 509, 2045, MOST_SERVERS])
def test_every_number_of_servers_finds_room(servers: int) -> None:
    network = ip_network(network_for(servers))
    assert network.is_loopback
    assert len(company(servers, network, 1).machines) == servers
    assert (network.prefixlen == 24) == (servers <= 251)


async def test_many_servers_are_read_less_often(tmp_path: Path) -> None:
    async with simulated_fleet(tmp_path / "fleet", 1, network="127.74.0.0/24") as fleet:
        few, many = (
            demo_plan(fleet, tmp_path, None, None, many=servers > FEW)
            for servers in (36, MOST_SERVERS)
        )
    assert few.settings.sensors.every < many.settings.sensors.every
    assert few.settings.ranges[0].every < many.settings.ranges[0].every


def test_open_files_beyond_the_limit_are_one_clear_line() -> None:
    with pytest.raises(FileLimitError, match=r"^9{12} servers need \d+ open files, and this"):
        make_room(999_999_999_999, others=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--servers", "5001"], "less than or equal to 5000"),
        (["--latency", "1parsec"], "'1parsec' is not a duration"),
        (["--latency", "20s"], "a latency of 20 s: it is 0 to 10 s"),
        (["--drops", "101"], "--drops"),
    ],
)
def test_what_cannot_be_is_a_usage_error(tmp_path: Path, options: list[str], said: str) -> None:
    ended = outkept(tmp_path, "demo", *options)
    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
