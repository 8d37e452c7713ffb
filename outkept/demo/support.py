"""Which sensors apply to which simulated machine. Pure."""

from collections.abc import Mapping

from outkept.demo.machines import Machine
from outkept.model.sensor import Sensor

_PLACES = {
    "adaptec": "backup",
    "apache": "web",
    "bond": "storage",
    "btrfs": "backup",
    "caddy": "docker",
    "certificates": "web nginx mail postfix",
    "conntrack": "router docker",
    "dns": "dns",
    "docker": "docker",
    "dovecot": "mail postfix",
    "exim": "mail",
    "fail2ban": "bastion",
    "gpu": "metal",
    "haproxy": "nginx",
    "ipmi": "metal",
    "lighttpd": "router",
    "lsi": "metal",
    "mdadm": "storage backup",
    "memcached": "redis",
    "memory_": "metal storage",
    "mongodb": "docker",
    "mounts_stale": "storage backup",
    "mysql": "mysql",
    "nginx": "nginx",
    "phpfpm": "web",
    "podman": "redis",
    "postfix": "postfix",
    "postgres": "postgresql",
    "redis": "redis",
    "smart": "metal storage backup",
    "smartarray": "backup",
    "steal": "web docker redis nginx",
    "swap": "web mysql postgresql mail metal storage",
    "temperature": "metal storage backup",
    "ups": "storage",
    "zfs": "storage",
}
ROLES = {begin: frozenset(places.split()) for begin, places in _PLACES.items()}
"""By the beginning of a sensor's name, the roles of the machines that have such a thing.
A sensor that isn't here applies everywhere that its commands can work."""

_SYSTEMD = frozenset({"debian", "rhel"})
_FAMILIES = {
    "openrc": frozenset({"alpine"}),
    "systemd": _SYSTEMD,
    "time_synced": _SYSTEMD,
    "timers": _SYSTEMD,
}
"""Likewise, the families of systems that have it."""
_LINUX_ONLY = ("/proc", "/sys/", "= Linux", "apt-get", "journalctl", "/etc/init.d")
"""What commands use that can't work on BSD."""


def supports(machine: Machine, sensor: Sensor) -> bool:
    """Whether the verifier of `sensor` says yes on `machine`."""
    roles, families = _of(sensor.name, ROLES), _of(sensor.name, _FAMILIES)
    if machine.role not in (roles or {machine.role}):
        return False
    if machine.system.family not in (families or {machine.system.family}):
        return False
    text = f"{sensor.verifier} {sensor.cmd}"
    return machine.system.family != "bsd" or not any(word in text for word in _LINUX_ONLY)


def _of(name: str, table: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    return next((found for begin, found in table.items() if name.startswith(begin)), None)
