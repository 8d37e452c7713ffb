from dataclasses import replace

import pytest

from outkept.discover.inventory import Decision, Inventory, Joined, Moved, New, Same
from outkept.discover.settle import Settled, Sighting, settle
from outkept.model.server import Endpoint, Facts, Identity

X, Y, Z = (Endpoint(f"10.0.0.{n}") for n in (1, 2, 3))

WEB = Identity("ed25519 SHA256:web", "a" * 32, "b" * 32, "web", ("02:00:00:00:00:01",))
CLONE = replace(WEB, boot_id="c" * 32, hostname="clone", macs=("02:00:00:00:00:02",))
DB = Identity("ed25519 SHA256:db", "d" * 32, "e" * 32, "db", ("02:00:00:00:00:03",))


class World:
    """An inventory with a login at a time."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        self.connected: set[str] = set()
        self.logins = 0

    def decide(self, identity: Identity, endpoint: Endpoint) -> Decision:
        return self.inventory.decide(identity, endpoint, self.connected.__contains__)

    def log_in(self, identity: Identity, endpoint: Endpoint, *own: Endpoint) -> Settled:
        self.logins += 1
        facts = Facts(addresses=tuple(e.address for e in own))
        sighting = Sighting(endpoint, "ops", float(self.logins), identity, facts)
        decision = self.decide(identity, endpoint)
        return settle(self.inventory, decision, sighting, f"id{self.logins}")


@pytest.fixture
def world() -> World:
    return World()


def test_a_first_machine_is_new(world: World) -> None:
    assert isinstance(world.decide(WEB, X), New)


def test_a_known_machine_at_its_endpoint_is_the_same(world: World) -> None:
    web = world.log_in(WEB, X).server
    assert world.decide(WEB, X) == Same(
        web.id, "host key, machine id, boot id and hostname are the same"
    )


def test_a_reboot_and_a_rename_keep_a_machine(world: World) -> None:
    web = world.log_in(WEB, X).server
    changed = replace(WEB, boot_id="9" * 32, hostname="www")
    decision = world.decide(changed, X)
    assert isinstance(decision, Same)
    assert decision.server_id == web.id
    assert "rebooted and renamed" in decision.why


def test_a_new_network_card_keeps_a_machine(world: World) -> None:
    web = world.log_in(WEB, X).server
    changed = replace(WEB, boot_id="9" * 32, macs=("02:00:00:00:00:99",))
    assert world.log_in(changed, X).server.id == web.id


def test_a_second_address_joins(world: World) -> None:
    web = world.log_in(WEB, X).server
    joined = world.decide(WEB, Y)
    assert isinstance(joined, Joined)
    assert world.log_in(WEB, Y).server.endpoints == (X, Y)
    assert len(world.inventory) == 1
    assert world.inventory.at(Y) == world.inventory.get(web.id)


def test_another_ssh_server_on_the_same_machine_joins_and_stays_after_a_reboot(
    world: World,
) -> None:
    web = world.log_in(WEB, X).server
    dropbear = replace(WEB, host_key="ed25519 SHA256:dropbear")
    assert world.log_in(dropbear, Endpoint(X.address, 2222)).server.id == web.id
    rebooted = replace(WEB, boot_id="9" * 32)
    assert world.log_in(rebooted, X).server.id == web.id


@pytest.mark.parametrize(
    "other",
    [
        replace(WEB, machine_id="f" * 32),
        replace(WEB, boot_id="f" * 32),
        replace(WEB, hostname="other"),
        replace(WEB, machine_id=""),
        replace(WEB, boot_id=""),
    ],
    ids=["machine id", "boot id", "hostname", "no machine id", "no boot id"],
)
def test_one_difference_keeps_two_running_machines_apart(world: World, other: Identity) -> None:
    web = world.log_in(WEB, X).server
    world.connected.add(web.id)
    assert isinstance(world.decide(other, Y), New)


def test_a_clone_that_runs_at_the_same_time_stays_apart(world: World) -> None:
    web = world.log_in(WEB, X).server
    clone = world.log_in(CLONE, Y).server
    assert clone.id != web.id
    assert world.log_in(WEB, X).server.id == web.id
    assert world.log_in(CLONE, Y).server.id == clone.id


def test_a_clone_at_the_address_of_the_original_is_another_machine(world: World) -> None:
    web = world.log_in(WEB, X).server
    settled = world.log_in(CLONE, X)
    assert settled.server.id != web.id
    assert settled.loser is not None
    assert settled.loser.id == web.id
    assert settled.loser.endpoints == ()


def test_another_machine_id_at_an_address_takes_the_address_over(world: World) -> None:
    web = world.log_in(WEB, X).server
    decision = world.decide(replace(WEB, machine_id="f" * 32), X)
    assert isinstance(decision, New)
    assert decision.loses == web.id
    assert "another machine id" in decision.why


def test_two_machines_that_swap_addresses_keep_their_histories(world: World) -> None:
    web, db = world.log_in(WEB, X).server, world.log_in(DB, Y).server
    world.log_in(DB, X)
    world.log_in(WEB, Y)
    assert world.inventory.at(X) == replace(db, endpoints=(X,), last_seen=3.0)
    assert world.inventory.at(Y) == replace(web, endpoints=(Y,), last_seen=4.0)


def test_clones_that_reboot_and_swap_addresses_keep_their_histories(world: World) -> None:
    web, clone = world.log_in(WEB, X).server, world.log_in(CLONE, Y).server
    world.log_in(replace(CLONE, boot_id="1" * 32), X, X)
    world.log_in(replace(WEB, boot_id="2" * 32), Y, Y)
    at_x, at_y = world.inventory.at(X), world.inventory.at(Y)
    assert at_x is not None
    assert at_y is not None
    assert (at_x.id, at_x.endpoints) == (clone.id, (X,))
    assert (at_y.id, at_y.endpoints) == (web.id, (Y,))


def test_clones_of_one_name_that_reboot_and_swap_are_told_apart_by_their_cards(
    world: World,
) -> None:
    twin = replace(CLONE, hostname=WEB.hostname)
    web, clone = world.log_in(WEB, X).server, world.log_in(twin, Y).server
    assert world.log_in(replace(twin, boot_id="1" * 32), X).server.id == clone.id
    assert world.log_in(replace(WEB, boot_id="2" * 32), Y).server.id == web.id


def test_a_machine_that_rebooted_with_a_new_address_is_recognised(world: World) -> None:
    web = world.log_in(WEB, X, X).server
    world.log_in(WEB, Z, X, Z)
    rebooted = replace(WEB, boot_id="9" * 32)
    assert isinstance(world.decide(rebooted, Y), Moved)
    moved = world.log_in(rebooted, Y, Y, Z).server
    assert moved.id == web.id
    assert moved.endpoints == (Y, Z)


def test_a_machine_that_is_connected_has_not_moved(world: World) -> None:
    web = world.log_in(WEB, X).server
    world.connected.add(web.id)
    assert isinstance(world.decide(replace(WEB, boot_id="9" * 32), Y), New)


def test_without_a_card_in_common_nothing_has_moved(world: World) -> None:
    world.log_in(WEB, X)
    stranger = replace(WEB, boot_id="9" * 32, macs=("02:00:00:00:00:77",))
    assert isinstance(world.decide(stranger, Y), New)


def test_containers_share_the_boot_id_of_their_host_and_stay_apart(world: World) -> None:
    host = world.log_in(WEB, X).server
    first = replace(WEB, host_key="k1", machine_id="", hostname="5f1d")
    second = replace(WEB, host_key="k1", machine_id="", hostname="77ab")
    ids = {
        host.id,
        world.log_in(first, Endpoint(X.address, 2201)).server.id,
        world.log_in(second, Endpoint(X.address, 2202)).server.id,
    }
    assert len(ids) == 3


def test_alpine_without_a_machine_id_joins_by_its_host_key(world: World) -> None:
    alpine = replace(DB, machine_id="")
    server = world.log_in(alpine, X).server
    assert world.log_in(alpine, Y).server.id == server.id
    assert isinstance(world.decide(replace(alpine, host_key="other"), Z), New)


def test_a_machine_id_once_given_is_kept(world: World) -> None:
    web = world.log_in(WEB, X).server
    silent = world.log_in(replace(WEB, machine_id=""), X).server
    assert silent.id == web.id
    assert silent.identity.machine_id == WEB.machine_id
    assert isinstance(world.decide(replace(WEB, machine_id="f" * 32), X), New)


def test_a_removed_server_is_forgotten_everywhere(world: World) -> None:
    web = world.log_in(WEB, X).server
    world.inventory.remove(web.id)
    world.inventory.remove(web.id)
    assert world.inventory.at(X) is None
    assert isinstance(world.decide(WEB, X), New)
    assert len(world.inventory) == 0


def test_settling_on_a_server_that_is_gone_is_an_error(world: World) -> None:
    sighting = Sighting(X, "ops", 1.0, WEB, Facts())
    with pytest.raises(KeyError, match="gone"):
        settle(world.inventory, Same("gone", "why"), sighting, "id")
