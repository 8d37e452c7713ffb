"""What a simulated machine says of itself, as the identification script would print it."""

from collections.abc import Iterator

from outkept.demo.machines import FREEBSD, Machine
from outkept.discover.identity_script import BEGINS, ENDS


def identify_answer(machine: Machine) -> bytes:
    """The script's output on this machine: `key=value` lines between the two markers."""
    lines = "\n".join(f"{key}={value}" for key, value in _said(machine))
    return b"%s\n%s\n%s\n" % (BEGINS, lines.encode(), ENDS)


def _said(machine: Machine) -> Iterator[tuple[str, str]]:
    system = machine.system
    yield "machine_id", machine.machine_id
    yield "boot_id", machine.boot_id
    yield "hostname", machine.hostname
    yield "os", f'PRETTY_NAME="{system.name}"'
    yield "system", "FreeBSD" if system is FREEBSD else "Linux"
    yield "kernel", system.kernel
    yield "arch", "amd64" if system is FREEBSD else "x86_64"
    yield "cpus", str(machine.cpus)
    if system is FREEBSD:
        yield "memory", str(machine.memory)
    else:
        yield "memory_kb", f"MemTotal:       {machine.memory // 1024} kB"
    yield "shell", system.shell
    if system is FREEBSD:
        yield "ifconfig", "em0: flags=1008843<UP,BROADCAST,RUNNING> metric 0 mtu 1500"
        yield "ifconfig", f"\tether {machine.mac}"
        for address in inside(machine):
            yield "ifconfig", f"\tinet {address} netmask 0xffffff00 broadcast 10.255.255.255"
        return
    yield "vnic", "lo 00:00:00:00:00:00"
    yield "nic", f"eth0 {machine.mac}"
    for address in inside(machine):
        yield "ip", f"2: eth0    inet {address}/24 brd 10.255.255.255 scope global eth0"


def inside(machine: Machine) -> tuple[str, ...]:
    """The addresses that the machine believes it has: 10.77.0.9 for loopback's 127.77.0.9."""
    return tuple(f"10.{address.partition('.')[2]}" for address in machine.addresses)
