"""Servers: what identifies a machine, and what is known of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an SSH server listens. Addresses are in canonical text form, without zone."""

    address: str
    port: int = 22

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return host if self.port == 22 else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Identity:
    """The evidence that tells machines apart, as one login gave it.

    `host_key` is `TYPE SHA256:…`. Empty strings mean that the machine did not say.
    `macs` are its permanent network addresses in lower case, loopback and virtual left out.
    """

    host_key: str
    machine_id: str = ""
    boot_id: str = ""
    hostname: str = ""
    macs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a machine is. Empty or None where it did not say."""

    os: str = ""
    kernel: str = ""
    architecture: str = ""
    cpus: int | None = None
    memory_bytes: int | None = None
    addresses: tuple[str, ...] = ()
    ssh_version: str = ""
    shell: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """One machine as the inventory holds it. Times are UNIX seconds.

    `user` is who logged in last; `channel_limit` what its `sshd` was learned to allow,
    None before anything was learned. `supported` are the names of the sensors whose
    verifier said yes; None before the first verification.
    `quarantine` says why nothing may run there (a changed host key); empty: nothing bars it.
    """

    id: str
    identity: Identity
    facts: Facts
    endpoints: tuple[Endpoint, ...]
    user: str
    first_seen: float
    last_seen: float
    labels: dict[str, str] = field(default_factory=dict)
    channel_limit: int | None = None
    supported: tuple[str, ...] | None = None
    quarantine: str = ""
