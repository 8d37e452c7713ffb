"""Read a machine's answer to the identify script. Pure; the answer is hostile."""

import re
from ipaddress import ip_address

from outkept.discover.identity_script import BEGINS, ENDS
from outkept.model.server import Facts, Identity

Answer = tuple[Identity, Facts]

NO_ANSWER = "it answers, but not to our commands (forced command or no POSIX shell)"
CUT_OFF = "its answer to who it is broke off before the end"

LONGEST_NAME = 253
"""Of a hostname, in characters (RFC 1035 §2.3.4, less the root)."""
LONGEST_VALUE = 256
MOST_CARDS = 32
MOST_ADDRESSES = 64

_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_VIRTUAL = re.compile(
    r"(?:lo|docker|veth|br-|virbr|vnet|tun|tap|wg|cni|flannel|cali|podman|lxc|lxd|dummy|ifb"
    r"|bridge|utun|awdl|llw|gif|stf|sit|kube|nodelocaldns|vmnet|zt|tailscale)"
)


def parse_identity(stdout: bytes, host_key: str, server_version: str) -> Answer | str:
    """The identity and facts in what the identify script printed, or why there are none.

    Whatever start files print before the first marker, or anybody after the last one, does
    not matter. Values are cut, and everything unprintable is dropped from them.
    """
    begin = stdout.rfind(BEGINS + b"\n")
    if begin < 0:
        return NO_ANSWER
    end = stdout.find(ENDS, begin)
    if end < 0:
        return CUT_OFF
    said = _Said(stdout[begin + len(BEGINS) : end].decode("utf-8", "replace"))
    identity = Identity(
        host_key=host_key,
        machine_id=_id(said.one("machine_id")),
        boot_id=_id(said.one("boot_id")),
        hostname=said.one("hostname")[:LONGEST_NAME],
        macs=_macs(said),
    )
    return identity, _facts(said, server_version)


class _Said:
    """The `key=value` lines; of a key that can have one value only the first counts."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, list[str]] = {}
        for line in text.split("\n"):
            key, equals, value = line.partition("=")
            if equals:
                self._values.setdefault(key, []).append(value)

    def one(self, key: str) -> str:
        values = self._values.get(key)
        return printable(values[0])[:LONGEST_VALUE] if values else ""

    def every(self, key: str) -> list[str]:
        return [printable(value)[:LONGEST_VALUE] for value in self._values.get(key, [])]


def printable(text: str) -> str:
    """`text` without control, formatting and unassigned characters, in single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _facts(said: _Said, server_version: str) -> Facts:
    return Facts(
        os=_os(said),
        kernel=said.one("kernel"),
        architecture=said.one("arch"),
        cpus=_number(said.one("cpus"), 1 << 20),
        memory_bytes=_memory(said),
        addresses=_addresses(said),
        ssh_version=printable(server_version)[:LONGEST_VALUE],
        shell=said.one("shell"),
    )


def _id(text: str) -> str:
    """A machine or boot id without dashes. "uninitialized", zeros and garbage are none."""
    text = text.strip().lower()
    if not _ID.fullmatch(text):
        return ""
    digits = text.replace("-", "")
    return digits if set(digits) - {"0"} else ""


def _os(said: _Said) -> str:
    quoted = said.one("os").removeprefix("PRETTY_NAME=")
    pretty = quoted.strip("\"'").strip()
    return pretty or f"{said.one('system')} {said.one('kernel')}".strip()


def _number(text: str, most: int) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        return None
    number = int(text)
    return number if 0 < number <= most else None


def _memory(said: _Said) -> int | None:
    kilobytes = re.search(r"(\d+) kB", said.one("memory_kb"), re.ASCII)
    if kilobytes:
        return _number(str(int(kilobytes[1][:18]) * 1024), 1 << 60)
    return _number(said.one("memory"), 1 << 60)


def _macs(said: _Said) -> tuple[str, ...]:
    """Of cards with hardware behind them; where no card has any (a container), of those
    that are not virtual by name."""
    cards = said.every("nic") or [c for c in said.every("vnic") if not _VIRTUAL.match(c)]
    macs = {mac for mac in (card.rpartition(" ")[2].lower() for card in cards) if _good(mac)}
    macs = macs or set(_ifconfig_macs(said))
    return tuple(sorted(macs)[:MOST_CARDS])


def _good(mac: str) -> bool:
    """A unicast address that somebody gave: not zeros, not a group's or broadcast."""
    return bool(_MAC.fullmatch(mac)) and mac != "00:00:00:00:00:00" and not int(mac[:2], 16) & 1


def _ifconfig_macs(said: _Said) -> list[str]:
    words = [(name, line.split()) for name, line in _ifconfig(said)]
    found = [
        line[at + 1].lower()
        for name, line in words
        for at in range(len(line) - 1)
        if line[at] in ("ether", "HWaddr", "lladdr") and not _VIRTUAL.match(name)
    ]
    return [mac for mac in found if _good(mac)]


def _ifconfig(said: _Said) -> list[tuple[str, str]]:
    """Each line of `ifconfig -a` with the interface that it belongs to."""
    name, lines = "", []
    for raw in said.every("ifconfig"):
        head = re.match(r"([\w.]+):? .*(?:flags|Link|mtu)", raw)
        name = head[1] if head else name
        lines.append((name, raw))
    return lines


def _addresses(said: _Said) -> tuple[str, ...]:
    found = [
        part[3]
        for part in (line.split() for line in said.every("ip"))
        if len(part) > 3 and part[2] in ("inet", "inet6") and not _VIRTUAL.match(part[1])
    ]
    found += [
        words[1].removeprefix("addr:")
        for name, words in ((name, line.split()) for name, line in _ifconfig(said))
        if len(words) > 1 and words[0] in ("inet", "inet6") and not _VIRTUAL.match(name)
    ]
    found = found or [word for line in said.every("hosts") for word in line.split()]
    canonical = dict.fromkeys(filter(None, map(_address, found)))
    return tuple(canonical)[:MOST_ADDRESSES]


def _address(text: str) -> str:
    try:
        ip = ip_address(text.partition("/")[0].partition("%")[0])
    except ValueError:
        return ""
    return "" if ip.is_loopback or ip.is_link_local or ip.is_multicast else str(ip)
