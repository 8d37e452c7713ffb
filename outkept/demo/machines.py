"""The company that is simulated: who its machines are. Pure; the same for the same seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from uuid import UUID

from outkept.demo.chance import digest, draw
from outkept.demo.characters import RESTLESS, Character

C = Character
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class System:
    """An operating system: the name people know, its kernel, its `sshd`, its `sh`."""

    name: str
    family: str
    kernel: str
    banner: str
    shell: str


DEBIAN = System(
    "Debian GNU/Linux 12 (bookworm)",
    "debian",
    "6.1.0-28-amd64",
    "OpenSSH_9.2p1 Debian-2+deb12u4",
    "/bin/bash",
)
UBUNTU = System(
    "Ubuntu 24.04.1 LTS",
    "debian",
    "6.8.0-49-generic",
    "OpenSSH_9.6p1 Ubuntu-3ubuntu13.5",
    "/bin/bash",
)
ALPINE = System("Alpine Linux v3.20", "alpine", "6.6.63-0-lts", "OpenSSH_9.7", "/bin/ash")
ROCKY = System(
    "Rocky Linux 9.5 (Blue Onyx)",
    "rhel",
    "5.14.0-503.14.1.el9_5.x86_64",
    "OpenSSH_8.7",
    "/bin/bash",
)
FREEBSD = System(
    "FreeBSD 14.1-RELEASE", "bsd", "14.1-RELEASE-p6", "OpenSSH_9.7 FreeBSD-20240701", "/bin/sh"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """One simulated machine. `seed` is its own; `secret` is what its host keys come from,
    shared by clones as their `machine_id` is."""

    hostname: str
    role: str
    system: System
    character: Character
    addresses: tuple[str, ...]
    seed: int
    secret: str
    machine_id: str
    boot_id: str
    mac: str
    cpus: int
    memory: int


_Entry = tuple[str, str, System, Character]

_COMPANY: tuple[_Entry, ...] = (
    ("edge-router.lisbon", "router", ALPINE, C.HEALTHY),
    ("web-01.lisbon", "web", DEBIAN, C.BUSY),
    ("web-02.lisbon", "web", DEBIAN, C.HEALTHY),
    ("web-03.lisbon", "web", DEBIAN, C.DEAD_DAEMON),
    ("db-01.lisbon", "mysql", DEBIAN, C.HEALTHY),
    ("db-02.porto", "mysql", UBUNTU, C.FLAPPING),
    ("db-03.porto", "postgresql", ROCKY, C.HEALTHY),
    ("mail-01.lisbon", "mail", DEBIAN, C.CERTIFICATE),
    ("mail-02.porto", "postfix", DEBIAN, C.HEALTHY),
    ("backup-01.porto", "backup", DEBIAN, C.FILLING_DISK),
    ("ci-runner-01.lisbon", "docker", UBUNTU, C.FEW_CHANNELS),
    ("ci-runner-02.lisbon", "docker", UBUNTU, C.BUSY),
    ("nas.lisbon", "storage", DEBIAN, C.DEGRADED_RAID),
    ("proxy-01.lisbon", "nginx", ALPINE, C.IDLE),
    ("proxy-02.porto", "nginx", ALPINE, C.HEALTHY),
    ("vpn.madrid", "plain", ALPINE, C.DROPPING_OFF),
    ("legacy-crm.porto", "web", ROCKY, C.REFUSING_KEY),
    ("git.lisbon", "nginx", DEBIAN, C.CHANGING_KEY),
    ("tide-gauge.faro", "plain", ALPINE, C.SLOW),
    ("till-07.braga", "plain", ALPINE, C.UNPARSABLE),
    ("monitor.lisbon", "web", DEBIAN, C.TWO_ADDRESSES),
    ("gpu-01.coimbra", "metal", UBUNTU, C.HOT),
    ("wiki.lisbon", "web", UBUNTU, C.PENDING_UPDATES),
    ("kiosk-01.braga", "plain", DEBIAN, C.CLONE),
    ("kiosk-02.braga", "plain", DEBIAN, C.CLONE),
    ("log-01.porto", "plain", ROCKY, C.HUGE_OUTPUT),
    ("nfs-01.madrid", "plain", DEBIAN, C.HANGING_VERIFIER),
    ("dns-01.lisbon", "dns", ALPINE, C.IDLE),
    ("dns-02.porto", "dns", ALPINE, C.HEALTHY),
    ("cache-01.lisbon", "redis", DEBIAN, C.HEALTHY),
    ("app-01.madrid", "docker", UBUNTU, C.HEALTHY),
    ("files-01.madrid", "storage", UBUNTU, C.HEALTHY),
    ("shop.porto", "web", DEBIAN, C.HEALTHY),
    ("erp.madrid", "postgresql", ROCKY, C.HEALTHY),
    ("archive.faro", "plain", FREEBSD, C.IDLE),
    ("bastion.lisbon", "bastion", DEBIAN, C.IDLE),
)
_TOWNS = ("lisbon", "porto", "madrid", "braga", "coimbra", "faro")
_MORE: tuple[tuple[str, str, System], ...] = (
    ("web", "web", DEBIAN),
    ("app", "docker", UBUNTU),
    ("db", "mysql", DEBIAN),
    ("proxy", "nginx", ALPINE),
    ("node", "metal", ROCKY),
)
PRINTER = "220 printer.lisbon FTP server (LaserCo 4200) ready.\r\n"
"""What the one listener that isn't SSH says first."""


@dataclass(frozen=True, slots=True)
class Company:
    """The machines, and the address of the printer, which speaks no SSH and which plain
    companies don't have."""

    machines: tuple[Machine, ...]
    printer: str | None = None

    @property
    def steady(self) -> bool:
        """Whether all of them are there all the time."""
        return self.printer is None and not any(m.character in RESTLESS for m in self.machines)

    def addresses(self) -> Iterator[str]:
        """Every address at which something listens."""
        for machine in self.machines:
            yield from machine.addresses
        if self.printer is not None:
            yield self.printer


def company(
    servers: int, network: IPv4Network | IPv6Network, seed: int, *, plain: bool = False
) -> Company:
    """A company of `servers` machines spread over `network`, with silent addresses between.

    A `plain` one consists of well-behaved machines alone, without the usual company's own and
    its printer. Raises ValueError when the network has too few addresses.
    """
    own = () if plain else _COMPANY[:servers]
    needed = servers + sum(entry[3] is C.TWO_ADDRESSES for entry in own) + (not plain)
    free = network.num_addresses - 2
    if free < needed:
        raise ValueError(
            f"{network} has {max(free, 0)} addresses and {servers} servers need {needed}:"
            " give a larger network"
        )
    start = len(_COMPANY) if plain else 0
    entries = [_entry(i) for i in range(start, start + servers)]
    stride = min(free // needed, 5)
    spread = (str(network[1 + i * stride]) for i in range(needed))
    firsts = [next(spread) for _ in entries]
    seconds = {i: next(spread) for i, entry in enumerate(entries) if entry[3] is C.TWO_ADDRESSES}
    machines = tuple(
        _machine(entry, (firsts[i], *([seconds[i]] if i in seconds else [])), seed)
        for i, entry in enumerate(entries)
    )
    return Company(machines, None if plain else next(spread))


def _entry(i: int) -> _Entry:
    """The company's own machines first; a larger fleet is filled up with plain ones."""
    if i < len(_COMPANY):
        return _COMPANY[i]
    kind, role, system = _MORE[i % len(_MORE)]
    mood = draw("mood", i)
    character = C.BUSY if mood < 0.1 else C.IDLE if mood < 0.3 else C.HEALTHY
    return f"{kind}-{i:04}.{_TOWNS[i % len(_TOWNS)]}", role, system, character


def _machine(entry: _Entry, addresses: tuple[str, ...], seed: int) -> Machine:
    hostname, role, system, character = entry
    own = digest(seed, hostname)
    # A clone is a copy of a disk: the host key and the machine id are on it.
    secret = f"{seed}/{'kiosk' if character is C.CLONE else hostname}"
    cpus = 1 << (1 + own[0] % 4)
    return Machine(
        hostname=hostname,
        role=role,
        system=system,
        character=character,
        addresses=addresses,
        seed=int.from_bytes(own[1:7], "big"),
        secret=secret,
        machine_id=digest(secret, "machine id").hex()[:32],
        boot_id=str(UUID(bytes=digest(seed, hostname, "boot id")[:16])),
        mac=":".join(f"{byte:02x}" for byte in b"\x52\x54\x00" + own[8:11]),
        cpus=cpus,
        memory=cpus * 2 * GIB,
    )
