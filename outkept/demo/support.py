"""Which sensors apply to which simulated machine. Pure."""

from outkept.demo.machines import Machine
from outkept.model.sensor import Sensor

_ROLES: dict[str, frozenset[str]] = {
    "adaptec": frozenset({"backup"}),
    "apache": frozenset({"web"}),
    "certificate": frozenset({"web", "nginx", "mail", "postfix"}),
    "docker": frozenset({"docker"}),
    "exim": frozenset({"mail"}),
    "fan": frozenset({"metal"}),
    "ipmi": frozenset({"metal"}),
    "lsi": frozenset({"metal"}),
    "mdadm": frozenset({"storage", "backup"}),
    "mysql": frozenset({"mysql"}),
    "nginx": frozenset({"nginx"}),
    "nvme": frozenset({"metal"}),
    "php": frozenset({"web"}),
    "podman": frozenset({"redis"}),
    "postfix": frozenset({"postfix"}),
    "postgres": frozenset({"postgresql"}),
    "raid": frozenset({"storage", "backup"}),
    "redis": frozenset({"redis"}),
    "smart": frozenset({"metal", "storage", "backup"}),
    "steal": frozenset({"web", "docker", "redis", "nginx"}),
    "swap": frozenset({"web", "mysql", "postgresql", "mail", "metal", "storage"}),
    "temperature": frozenset({"metal", "storage", "backup"}),
    "zfs": frozenset({"storage"}),
}
"""By the beginning of a sensor's name, the roles of the machines that have such a thing.
A sensor that isn't here applies everywhere that its commands can work."""

_LINUX_ONLY = ("/proc", "/sys/", "systemctl", "iptables", "ip -")
_SYSTEMD_ONLY = ("systemctl", "journalctl", "/run/systemd")


def supports(machine: Machine, sensor: Sensor) -> bool:
    """Whether the verifier of `sensor` says yes on `machine`."""
    roles = next((r for begin, r in _ROLES.items() if sensor.name.startswith(begin)), None)
    if roles is not None and machine.role not in roles:
        return False
    text = f"{sensor.verifier} {sensor.cmd}"
    match machine.system.family:
        case "bsd":
            return not any(word in text for word in _LINUX_ONLY)
        case "alpine":
            return not any(word in sensor.verifier for word in _SYSTEMD_ONLY)
    return True
