"""The inventory against a world in which we know who every machine really is."""

from dataclasses import dataclass, replace
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from outkept.discover.inventory import Inventory
from outkept.discover.settle import Sighting, settle
from outkept.model.server import Endpoint, Facts, Identity

ENDPOINTS = [Endpoint(f"10.0.0.{n}", port) for n in range(1, 4) for port in (22, 2222)]


@dataclass
class Machine:
    number: int
    identity: Identity
    connected: bool = False


class Fleet(RuleBasedStateMachine):
    """Machines boot, are renamed, cloned, and take each other's addresses.

    Names and network cards are never shared by two machines; host keys, machine ids and boot
    ids are (clones, containers), or are missing.
    """

    machines = Bundle("machines")

    def __init__(self) -> None:
        super().__init__()
        self.numbers = count(1)
        self.inventory = Inventory()
        self.truth: dict[str, int] = {}
        self.ids: dict[str, set[str]] = {}
        self.last: dict[Endpoint, Machine] = {}

    def fresh(self, digit: str = "") -> str:
        return f"{next(self.numbers):031x}{digit or '0'}"

    @rule(target=machines, with_id=st.booleans(), with_boot=st.booleans())
    def install(self, with_id: bool, with_boot: bool) -> Machine:
        number = next(self.numbers)
        identity = Identity(
            host_key=f"key{number}",
            machine_id=self.fresh("a") if with_id else "",
            boot_id=self.fresh("b") if with_boot else "",
            hostname=f"host{number}",
            macs=(f"02:00:00:00:{number // 256:02x}:{number % 256:02x}",),
        )
        return Machine(number, identity)

    @rule(target=machines, original=machines, container=st.booleans())
    def clone(self, original: Machine, container: bool) -> Machine:
        number = next(self.numbers)
        boot = original.identity.boot_id if container else self.fresh("b")
        identity = replace(
            original.identity,
            boot_id=boot,
            hostname=f"host{number}",
            macs=(f"02:00:00:00:{number // 256:02x}:{number % 256:02x}",),
        )
        return Machine(number, identity)

    @rule(machine=machines)
    def reboot(self, machine: Machine) -> None:
        machine.identity = replace(machine.identity, boot_id=self.fresh("b"))
        machine.connected = False

    @rule(machine=machines)
    def rename(self, machine: Machine) -> None:
        machine.identity = replace(machine.identity, hostname=f"host{next(self.numbers)}")

    @rule(machine=machines)
    def lose_the_connection(self, machine: Machine) -> None:
        machine.connected = False

    @rule(machine=machines, endpoint=st.sampled_from(ENDPOINTS))
    def log_in(self, machine: Machine, endpoint: Endpoint) -> None:
        before = self.inventory.at(endpoint)
        connected = {m.number for m in self.last.values() if m.connected}
        decision = self.inventory.decide(
            machine.identity, endpoint, lambda sid: self.truth[sid] in connected
        )
        sighting = Sighting(endpoint, "ops", 1.0, machine.identity, Facts())
        server = settle(self.inventory, decision, sighting, f"s{next(self.numbers)}").server
        assert self.truth.setdefault(server.id, machine.number) == machine.number
        known = [sid for sid, number in self.truth.items() if number == machine.number]
        if before and self.last[endpoint] is machine and known == [before.id]:
            assert server.id == before.id, "a machine at its own endpoint keeps its id"
        if machine.identity.machine_id:
            self.ids.setdefault(server.id, set()).add(machine.identity.machine_id)
        machine.connected = True
        self.last[endpoint] = machine

    @invariant()
    def every_endpoint_belongs_to_the_machine_seen_there_last(self) -> None:
        for endpoint, machine in self.last.items():
            holder = self.inventory.at(endpoint)
            if holder:
                assert self.truth[holder.id] == machine.number

    @invariant()
    def no_endpoint_has_two_owners(self) -> None:
        owned = [endpoint for server in self.inventory for endpoint in server.endpoints]
        assert len(owned) == len(set(owned))
        for server in self.inventory:
            for endpoint in server.endpoints:
                assert self.inventory.at(endpoint) == server

    @invariant()
    def no_server_ever_had_two_machine_ids(self) -> None:
        assert all(len(ids) == 1 for ids in self.ids.values())


Fleet.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestFleet = Fleet.TestCase
