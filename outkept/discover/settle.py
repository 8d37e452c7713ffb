"""What a decision about a machine changes in the inventory. Pure."""

from dataclasses import dataclass, field, replace

from outkept.discover.inventory import Decision, Inventory, Moved, New
from outkept.model.server import Endpoint, Facts, Identity, Server


@dataclass(frozen=True, slots=True)
class Sighting:
    """One login: where, as whom, when (UNIX seconds), and what the machine said of itself."""

    endpoint: Endpoint
    user: str
    at: float
    identity: Identity
    facts: Facts
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """The server as it is now, and the one that lost the endpoint to it, if any. A server
    that lost its last endpoint stays known, with none, until it is seen again or forgotten."""

    server: Server
    loser: Server | None = None


def settle(inventory: Inventory, decision: Decision, sighting: Sighting, new_id: str) -> Settled:
    """Carry `decision` out in `inventory`. `new_id` is used when the machine is new.

    Raises KeyError when the decision names a server that is no longer known.
    """
    loser = _without(inventory, decision.loses, sighting.endpoint)
    if loser:
        inventory.put(loser)
    if isinstance(decision, New):
        server = _found(sighting, new_id)
    else:
        known = inventory.get(decision.server_id)
        if known is None:
            raise KeyError(decision.server_id)
        server = _seen_again(known, sighting, moved=isinstance(decision, Moved))
    inventory.put(server)
    return Settled(server, loser)


def _without(inventory: Inventory, server_id: str | None, endpoint: Endpoint) -> Server | None:
    server = inventory.get(server_id) if server_id else None
    if server is None:
        return None
    return replace(server, endpoints=tuple(e for e in server.endpoints if e != endpoint))


def _found(sighting: Sighting, new_id: str) -> Server:
    return Server(
        id=new_id,
        identity=sighting.identity,
        facts=sighting.facts,
        endpoints=(sighting.endpoint,),
        user=sighting.user,
        first_seen=sighting.at,
        last_seen=sighting.at,
        labels=dict(sighting.labels),
    )


def _seen_again(known: Server, sighting: Sighting, *, moved: bool) -> Server:
    """A machine id once given is kept: a login that did not tell it must not open the way
    to a machine with another one."""
    identity = replace(
        sighting.identity, machine_id=sighting.identity.machine_id or known.identity.machine_id
    )
    return replace(
        known,
        identity=identity,
        facts=sighting.facts,
        endpoints=_endpoints(known, sighting, moved=moved),
        user=sighting.user,
        last_seen=max(known.last_seen, sighting.at),
        labels=dict(sighting.labels) or known.labels,
    )


def _endpoints(known: Server, sighting: Sighting, *, moved: bool) -> tuple[Endpoint, ...]:
    """A moved machine leaves behind the addresses that it no longer names as its own; one
    that is translated (NAT) on the way comes back with the next sweep."""
    if sighting.endpoint in known.endpoints:
        return known.endpoints
    if not moved:
        return (*known.endpoints, sighting.endpoint)
    kept = (e for e in known.endpoints if e.address in sighting.facts.addresses)
    return (sighting.endpoint, *kept)
