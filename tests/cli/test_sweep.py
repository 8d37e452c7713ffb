"""`outkept sweep`, against real servers and a simulated fleet."""

import json
import re
import subprocess
from pathlib import Path

import yaml

from outkept.demo import SimulatedFleet
from tests.cli.command import OUTKEPT, Ended, environment, in_terminal, outkept
from tests.servers import User, free_port, generate_key, machine, running_listener


def sweep_fleet(home: Path, fleet: SimulatedFleet, *args: str) -> Ended:
    """Sweep the simulated fleet."""
    how = ("--user", fleet.user, "--key", fleet.key, "--port", fleet.port, "--rate", 0)
    return outkept(home, "sweep", *fleet.ranges, *how, *args)


def test_one_machine_with_two_addresses_is_one_line(home: Path, ssh_user: User) -> None:
    with machine("twofold.test", addresses=("127.90.0.1", "127.90.0.2")) as server:
        ended = outkept(
            *(home, "sweep", "127.90.0.1-127.90.0.4", "--port", server.port),
            *("--user", ssh_user.name, "--key", ssh_user.key, "--json"),
        )
    assert ended.code == 0
    (found,) = json.loads(ended.out)
    assert found["addresses"] == ["127.90.0.1", "127.90.0.2"]
    assert found["hostname"] == "twofold.test"
    assert found["outcome"] == "server"
    assert found["ssh_version"].startswith("OpenSSH")
    assert found["os"]
    assert "1 server found; 4 of 4 addresses and ports tried: 2 silent" in ended.err


def test_every_address_that_answers_is_told_with_its_reason(home: Path, ssh_user: User) -> None:
    stranger = generate_key(home / "stranger")
    with (
        machine("shy.test", addresses=("127.90.1.1",)) as server,
        running_listener(b"220 ftp ready\r\n", address="127.90.1.2", port=server.port),
    ):
        ended = outkept(
            *(home, "sweep", "127.90.1.1-127.90.1.3", "--port", server.port),
            *("--user", ssh_user.name, "--key", stranger),
        )
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert re.fullmatch("ADDRESS +PORT +OUTCOME +HOSTNAME +OS +SSH SERVER +REASON", lines[0])
    assert re.search(r"127\.90\.1\.1 .*refused key .*refused for user", lines[1])
    assert re.search(r"127\.90\.1\.2 .*not SSH .*220 ftp ready", lines[2])
    assert len(lines) == 3
    assert "no servers found" in ended.complaint


def test_the_table_of_a_fleet_has_servers_first(home: Path, fleet: SimulatedFleet) -> None:
    ended = sweep_fleet(home, fleet)
    outcomes = re.findall(r"  (server|refused key|not SSH)  ", ended.out)
    assert ended.code == 0
    assert outcomes.count("server") > 30
    assert outcomes == sorted(outcomes, key=lambda outcome: outcome != "server")
    assert "\x1b" not in ended.out


def test_an_ansible_inventory_names_hosts_and_groups_by_system(
    home: Path, fleet: SimulatedFleet
) -> None:
    inventory = yaml.safe_load(sweep_fleet(home, fleet, "--format", "ansible").out)["all"]
    assert inventory["hosts"]["web-01.lisbon"] == {
        "ansible_host": "127.84.0.6",
        "ansible_port": fleet.port,
        "ansible_user": fleet.user,
    }
    assert "web-01.lisbon" in inventory["children"]["os_debian"]["hosts"]
    grouped = {host for group in inventory["children"].values() for host in group["hosts"]}
    assert grouped == set(inventory["hosts"])


def test_labels_of_the_configuration_become_groups(home: Path, fleet: SimulatedFleet) -> None:
    config = home / "fleet.yaml"
    config.write_text(
        "ranges: [{range: 127.84.0.6, labels: {site: lisbon}}]\n"
        f"ssh: {{user: {fleet.user}, keys: [{fleet.key}], ports: [{fleet.port}]}}\n"
        f"state: {home / 'state'}\n"
    )
    ended = outkept(home, "sweep", "-c", config, "--format", "ansible")
    children = yaml.safe_load(ended.out)["all"]["children"]
    assert children["site_lisbon"]["hosts"] == {"web-01.lisbon": None}
    assert not (home / "state").exists(), "a look makes no state directory"


def test_nobody_there_is_no_failure(home: Path, ssh_user: User) -> None:
    port = free_port("127.90.2.1")
    ended = outkept(
        *(home, "sweep", "127.90.2.1", "--port", port, "--user", "ops", "--key", ssh_user.key)
    )
    assert (ended.code, ended.out) == (0, "")
    assert "no servers found; 1 of 1 addresses and ports tried: 1 silent" in ended.complaint
    assert outkept(home, "sweep", "127.90.2.1", "--json", "--key", ssh_user.key).out == "[]\n"


def test_a_machine_without_a_network_fails_with_a_reason(home: Path, ssh_user: User) -> None:
    alone = ["unshare", "--net"]
    ended = outkept(home, "sweep", "127.90.3.1-9", "--key", ssh_user.key, wrap=alone)
    assert ended.code == 1
    assert "nothing could be tried: no route" in ended.err


def test_a_wrong_range_is_a_usage_error(home: Path, ssh_user: User) -> None:
    ended = outkept(home, "sweep", "10.0.0.1/8", "--key", ssh_user.key)
    assert ended.code == 2
    assert "write 10.0.0.0/8" in ended.complaint


def test_without_a_range_or_a_configuration_it_says_what_to_name(home: Path) -> None:
    ended = outkept(home, "sweep")
    assert ended.code == 2
    assert "ranges" in ended.err


def test_ctrl_c_ends_it_with_what_was_found(home: Path, fleet: SimulatedFleet) -> None:
    how = ("--user", fleet.user, "--key", fleet.key, "--port", fleet.port, "--rate", 25, "--json")
    result = home / "result.json"
    with (
        result.open("w") as out,
        in_terminal(home, "sweep", *fleet.ranges, *how, stdout=out.fileno()) as terminal,
    ):
        terminal.wait_for(r"\d+/254 .*/s  [1-9]\d* found  .* left")
        terminal.interrupt()
        assert terminal.end() == 130
    found = json.loads(result.read_text())
    assert found
    assert "interrupted: " in terminal.seen


def test_a_reader_that_has_enough_is_no_error(home: Path, fleet: SimulatedFleet) -> None:
    how = f"--user {fleet.user} --key {fleet.key} --port {fleet.port} --rate 0"
    script = f"{' '.join(OUTKEPT)} sweep {fleet.ranges[0]} {how} | head -1"
    done = subprocess.run(
        ["sh", "-c", script], env=environment(home), capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("ADDRESS")
    assert "Broken" not in done.stderr
