"""Which machine is this? Evidence in, decision out. Pure.

The rules and their reasons: docs/decisions/0002-identity.md.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

from outkept.model.server import Endpoint, Identity, Server


@dataclass(frozen=True, slots=True)
class Same:
    """The machine we know at this endpoint. `why` is a sentence part for people."""

    server_id: str
    why: str
    loses: None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """One more endpoint of a machine we know. `loses` had the endpoint until now."""

    server_id: str
    why: str
    loses: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A machine we know, come back from a reboot at another endpoint."""

    server_id: str
    why: str
    loses: str | None = None


@dataclass(frozen=True, slots=True)
class New:
    """A machine we don't know."""

    why: str
    loses: str | None = None


Decision = Same | Joined | Moved | New


class Inventory:
    """The known servers, indexed so that deciding takes the same time for ten thousand."""

    def __init__(self, servers: Iterable[Server] = ()) -> None:
        self._servers: dict[str, Server] = {}
        self._at: dict[Endpoint, str] = {}
        self._by_trait: dict[Hashable, set[str]] = {}
        for server in servers:
            self.put(server)

    def __len__(self) -> int:
        return len(self._servers)

    def __iter__(self) -> Iterator[Server]:
        return iter(tuple(self._servers.values()))

    def get(self, server_id: str) -> Server | None:
        """The server of this id, if it is known."""
        return self._servers.get(server_id)

    def at(self, endpoint: Endpoint) -> Server | None:
        """The server that has this endpoint, if any."""
        holder = self._at.get(endpoint)
        return self._servers[holder] if holder is not None else None

    def put(self, server: Server) -> None:
        """Add or replace a server. Its endpoints are its own from now on."""
        self.remove(server.id)
        self._servers[server.id] = server
        for endpoint in server.endpoints:
            self._at[endpoint] = server.id
        for trait in _traits(server.identity):
            self._by_trait.setdefault(trait, set()).add(server.id)

    def remove(self, server_id: str) -> None:
        """Forget a server; nothing happens when it is not known."""
        server = self._servers.pop(server_id, None)
        if server is None:
            return
        for endpoint in server.endpoints:
            if self._at.get(endpoint) == server_id:
                del self._at[endpoint]
        for trait in _traits(server.identity):
            ids = self._by_trait[trait]
            ids.discard(server_id)
            if not ids:
                del self._by_trait[trait]

    def decide(
        self, evidence: Identity, endpoint: Endpoint, connected: Callable[[str], bool]
    ) -> Decision:
        """Which machine gave this evidence at this endpoint.

        `connected` says whether a server of that id has a live connection now: a machine
        that is connected can't be the one that came back under another boot id.
        """
        holder = self.at(endpoint)
        if holder and _certain(holder.identity, evidence):
            return Same(holder.id, "host key, machine id, boot id and hostname are the same")
        return (
            self._joined(evidence, holder)
            or _still(evidence, holder, sharing_a_card=True)
            or self._moved(evidence, holder, connected)
            or _still(evidence, holder, sharing_a_card=False)
            or _rekeyed(evidence, holder)
            or New(_why_new(evidence, holder), holder.id if holder else None)
        )

    def _joined(self, evidence: Identity, holder: Server | None) -> Same | Joined | None:
        running = _running(evidence)
        ids = self._by_trait.get(running, set()) if running else set()
        if not ids:
            return None
        ours = "machine id" if evidence.machine_id else "host key"
        why = f"{ours}, boot id and hostname are the same"
        if holder and holder.id in ids:
            return Same(holder.id, why)
        return Joined(min(ids), why, holder.id if holder else None)

    def _moved(
        self, evidence: Identity, holder: Server | None, connected: Callable[[str], bool]
    ) -> Moved | None:
        for trait in _settled(evidence):
            for server_id in sorted(self._by_trait.get(trait, ())):
                if (holder is None or server_id != holder.id) and not connected(server_id):
                    why = "host key, machine id, hostname and a network card are the same"
                    return Moved(server_id, why, holder.id if holder else None)
        return None


def _still(evidence: Identity, holder: Server | None, *, sharing_a_card: bool) -> Same | None:
    """The holder of the endpoint, changed. Without a card in common it comes after every
    other machine that could have moved here."""
    if holder is None or not _same_at_its_endpoint(holder.identity, evidence):
        return None
    if sharing_a_card and not set(holder.identity.macs) & set(evidence.macs):
        return None
    return Same(holder.id, _what_changed(holder.identity, evidence))


def _rekeyed(evidence: Identity, holder: Server | None) -> Same | None:
    """Two SSH servers on one machine have a host key each; we hold the one used last."""
    if holder is None or not evidence.machine_id:
        return None
    known = holder.identity
    if (known.machine_id, known.hostname) != (evidence.machine_id, evidence.hostname):
        return None
    if not set(known.macs) & set(evidence.macs):
        return None
    return Same(holder.id, "machine id, hostname and a network card are the same")


def _running(identity: Identity) -> Hashable | None:
    """What two endpoints of one running machine share; None when it can't be told."""
    if not identity.boot_id:
        return None
    ours = ("machine", identity.machine_id) if identity.machine_id else ("key", identity.host_key)
    return (*ours, identity.boot_id, identity.hostname)


def _settled(identity: Identity) -> Iterator[Hashable]:
    """What a machine keeps over a reboot; one entry for each of its network cards."""
    for mac in identity.macs:
        yield (identity.host_key, identity.machine_id, identity.hostname, mac)


def _traits(identity: Identity) -> Iterator[Hashable]:
    running = _running(identity)
    if running:
        yield running
    yield from _settled(identity)


def _certain(known: Identity, seen: Identity) -> bool:
    """Nothing differs: the everyday case, before any index is asked."""
    return known.host_key == seen.host_key and _running(known) == _running(seen) is not None


def _same_at_its_endpoint(known: Identity, seen: Identity) -> bool:
    """Whether the machine at a known endpoint is still the one we knew there.

    It may have been rebooted and renamed, or rebooted with another card. When its name and
    all its cards are others, a clone or container that took over the address is likelier.
    """
    if known.host_key != seen.host_key:
        return False
    if known.machine_id and seen.machine_id and known.machine_id != seen.machine_id:
        return False
    renamed = known.hostname != seen.hostname
    other_cards = known.macs and seen.macs and not set(known.macs) & set(seen.macs)
    return not (renamed and other_cards)


def _what_changed(known: Identity, seen: Identity) -> str:
    changed = [
        word
        for word, before, now in (
            ("rebooted", known.boot_id, seen.boot_id),
            ("renamed", known.hostname, seen.hostname),
        )
        if before and now and before != now
    ]
    why = "host key and machine id are the same"
    return f"{why}; {' and '.join(changed)}" if changed else why


def _why_new(seen: Identity, holder: Server | None) -> str:
    if holder is None:
        return "no known machine has this identity"
    known = holder.identity
    if known.machine_id and seen.machine_id and known.machine_id != seen.machine_id:
        return f"another machine id than {holder.id} had at this address"
    if known.host_key != seen.host_key:
        return f"another host key than {holder.id} had at this address"
    return f"another hostname and network card than {holder.id} had at this address"
