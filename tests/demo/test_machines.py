"""Who the simulated machines are."""

from ipaddress import ip_address, ip_network
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.demo.characters import Character
from outkept.demo.machines import Machine, company

NETWORK = ip_network("127.77.0.0/24")


def machines(character: Character, seed: int = 1) -> list[Machine]:
    return [m for m in company(36, NETWORK, seed).machines if m.character is character]


def test_every_character_is_in_the_company() -> None:
    present = {machine.character for machine in company(36, NETWORK, 1).machines}
    assert present == set(Character)


def test_most_machines_have_nothing_wrong() -> None:
    quiet = {Character.HEALTHY, Character.IDLE, Character.BUSY, Character.TWO_ADDRESSES}
    firm = company(36, NETWORK, 1).machines
    assert sum(machine.character in quiet for machine in firm) > len(firm) / 2


def test_silent_addresses_lie_between_the_servers() -> None:
    taken = {ip_address(address) for address in company(36, NETWORK, 1).addresses()}
    between = set(range(int(min(taken)), int(max(taken)))) - {int(a) for a in taken}
    assert len(between) > 36


def test_clones_share_a_disk_and_nothing_else() -> None:
    one, other = machines(Character.CLONE)
    assert (one.machine_id, one.secret) == (other.machine_id, other.secret)
    assert one.boot_id != other.boot_id
    assert one.mac != other.mac
    assert one.hostname != other.hostname


def test_one_machine_has_two_addresses() -> None:
    (machine,) = machines(Character.TWO_ADDRESSES)
    assert len(machine.addresses) == 2


def test_a_network_too_small_says_how_many_addresses_are_needed() -> None:
    with pytest.raises(ValueError, match=r"/28 has 14 addresses and 36 servers need 38"):
        company(36, ip_network("127.77.0.0/28"), 1)


@given(servers=st.integers(1, 400), seed=st.integers(0, 1 << 32))
def test_names_addresses_and_machines_are_never_doubled(servers: int, seed: int) -> None:
    firm = company(servers, ip_network("127.76.0.0/22"), seed)
    addresses = list(firm.addresses())
    assert len(set(addresses)) == len(addresses)
    assert all(ip_address(address) in ip_network("127.76.0.0/22") for address in addresses)
    assert len({machine.hostname for machine in firm.machines}) == servers
    assert len({machine.boot_id for machine in firm.machines}) == servers
    clones = sum(machine.character is Character.CLONE for machine in firm.machines)
    assert len({machine.machine_id for machine in firm.machines}) == servers - clones // 2


@given(seed=st.integers(0, 1 << 32))
def test_a_seed_makes_the_same_company_again(seed: int) -> None:
    assert company(36, NETWORK, seed) == company(36, NETWORK, seed)


def test_another_seed_makes_other_machines_at_the_same_addresses() -> None:
    one, other = company(36, NETWORK, 1), company(36, NETWORK, 2)
    assert list(one.addresses()) == list(other.addresses())
    ids = [{m.machine_id for m in firm.machines} for firm in (one, other)]
    assert not ids[0] & ids[1]


def test_thousands_of_servers_fit_a_larger_network() -> None:
    firm = company(10_000, ip_network("127.80.0.0/16"), 1)
    assert len(firm.machines) == 10_000
    assert len(set(chain.from_iterable(m.addresses for m in firm.machines))) == 10_001


def test_the_documentation_knows_every_character_and_where_it_lives() -> None:
    text = (Path(__file__).parents[2] / "docs" / "demo.md").read_text()
    for machine in company(36, NETWORK, 1).machines:
        if machine.character is Character.HEALTHY:
            continue
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {machine.character} |")]
        assert machine.hostname in row
        for address in machine.addresses:
            assert f".{address.rpartition('.')[2]}" in row
