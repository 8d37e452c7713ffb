"""The simulated fleet for benches: plain machines only, in a process of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

from outkept.demo.machines import company
from outkept.demo.run import SimulatedFleet, simulated_fleet
from outkept.model.server import Endpoint


@dataclass(frozen=True)
class Plain:
    """The well-behaved servers of a running fleet."""

    fleet: SimulatedFleet
    endpoints: tuple[Endpoint, ...]

    @property
    def span(self) -> str:
        """Their addresses, as a range of the configuration."""
        ordered = sorted(ip_address(endpoint.address) for endpoint in self.endpoints)
        return f"{ordered[0]}-{ordered[-1]}"


@asynccontextmanager
async def plain_fleet(folder: Path, servers: int, network: str) -> AsyncIterator[Plain]:
    """Run a fleet of so many plain servers, on the first addresses of a loopback /16."""
    bits = (servers + servers // 50 + 16).bit_length()
    used = f"{network}/{32 - bits}"
    machines = company(servers, ip_network(used), 1, plain=True).machines
    async with simulated_fleet(folder, servers, network=used, plain=True) as fleet:
        yield Plain(fleet, tuple(Endpoint(m.addresses[0], fleet.port) for m in machines))
