"""Where the daemon can be reached, and so which Host, Origin and peer are right."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import Scope as Request

Network = IPv4Network | IPv6Network

MOST_HOPS = 20
"""Addresses of an X-Forwarded-For header that are looked at, from its end."""


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address without brackets) can only be this machine.

    Only names that no DNS server is asked for count: any other name may point at 127.0.0.1
    for an attacker's page (DNS rebinding).
    """
    if host.lower() == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


@dataclass(frozen=True, slots=True)
class Place:
    """One listener: the address it listens on, the URL by which people reach it (None: by
    that address), whether it speaks TLS, and the proxies that may stand before it."""

    listen: str
    origin: str | None = None
    tls: bool = False
    proxies: tuple[Network, ...] = ()

    @property
    def is_private(self) -> bool:
        """Whether nobody but this machine reaches it."""
        return is_loopback(self.listen.strip("[]")) and not self.proxies

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by https."""
        return self.tls or (self.origin or "").startswith("https:")

    def fault(self) -> tuple[str, str] | None:
        """What is wrong with listening here, as the end of a sentence about the address, and how
        to mend it; None: nothing is."""
        if self.is_private:
            return None
        if not self.tls and not self.proxies:
            return (
                "can be reached from other machines, and passwords would cross the network in"
                " the clear",
                "set dashboard.tls, or listen for a reverse proxy and name its address with"
                " dashboard.proxy, or listen on 127.0.0.1 and use ssh -L",
            )
        if self.origin is None:
            return (
                "can be reached from other machines, and what people open isn't known, so that"
                " Host and Origin can't be checked",
                "set dashboard.origin, such as https://outkept.example.org",
            )
        return None

    def admits(self, peer: str) -> bool:
        """Whether a connection from this address may say anything at all. Without TLS it must
        not have crossed a network, but for the way from the proxy."""
        return self.tls or is_loopback(peer) or self._is_proxy(peer)

    def is_local(self, peer: str) -> bool:
        """Whether the request certainly began on this machine: a proxy's may not have."""
        return is_loopback(peer) and not self._is_proxy(peer)

    def client(self, peer: str, headers: Headers) -> str:
        """The address that asks. X-Forwarded-For counts as far as trusted proxies wrote it."""
        address = peer
        hops = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for hop in reversed(hops[-MOST_HOPS:]):
            if not self._is_proxy(address):
                break
            found = _address(hop.strip())
            if found is None:
                break
            address = str(found)
        return address

    def host_is_ours(self, headers: Headers) -> bool:
        """Whether the request was addressed to this daemon by a name that is safe."""
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            return False
        host = hosts[0].lower()
        # Some clients name the port that everybody leaves out.
        ours = self.origin.partition("://")[2] if self.origin is not None else None
        if ours is not None and host in (ours, f"{ours}:443"):
            return True
        return self._is_own_name(host)

    def origin_is_ours(self, headers: Headers) -> bool:
        """Whether the page that sent this request is one this daemon served."""
        origins = headers.getlist("origin")
        if len(origins) != 1:
            return False
        origin, host = origins[0].lower(), headers.get("host", "").lower()
        if origin == self.origin:
            return True
        scheme = "https" if self.tls else "http"
        return self._is_own_name(host) and origin == f"{scheme}://{host}"

    def _is_own_name(self, host: str) -> bool:
        bare = _without_port(host)
        return is_loopback(bare) or bare == self.listen.strip("[]").lower()

    def _is_proxy(self, address: str) -> bool:
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self.proxies)


def peer_of(request: Request) -> str:
    """The address at the other end of the connection; empty if there is none."""
    client = request.get("client")
    address = _address(str(client[0])) if client else None
    return str(address) if address else ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address. IPv4 that comes to an IPv6 socket is IPv4 still."""
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
