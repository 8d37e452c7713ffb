"""What a sweep found, in the shapes that other programs read: JSON, and Ansible's inventory."""

import re
from collections.abc import Iterable
from typing import Any

from outkept.app.survey import Found, addresses
from outkept.model.server import Server

Json = dict[str, Any]

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_NOT_A_HOST = {"all", "ungrouped", "localhost"}
_UNFIT = re.compile(r"[^A-Za-z0-9_]+")


def as_json(found: Iterable[Found]) -> list[Json]:
    """One object a machine, or an address that is none."""
    return [_object(one) for one in found]


def _object(found: Found) -> Json:
    server = found.server
    facts = server.facts if server else None
    identity = server.identity if server else None
    return {
        "address": found.endpoints[0].address,
        "port": found.endpoints[0].port,
        "addresses": list(addresses(found)),
        "endpoints": [{"address": end.address, "port": end.port} for end in found.endpoints],
        "outcome": found.outcome.value,
        "reason": found.reason,
        "hostname": identity.hostname if identity else "",
        "os": facts.os if facts else "",
        "ssh_version": facts.ssh_version if facts else "",
        "kernel": facts.kernel if facts else "",
        "architecture": facts.architecture if facts else "",
        "cpus": facts.cpus if facts else None,
        "memory_bytes": facts.memory_bytes if facts else None,
        "host_key": identity.host_key if identity else "",
        "machine_id": identity.machine_id if identity else "",
        "user": server.user if server else "",
        "labels": dict(server.labels) if server else {},
    }


def as_ansible(found: Iterable[Found]) -> Json:
    """An inventory for Ansible's YAML plugin: the hosts, grouped by OS and by label.

    Ansible expands templates in every value and ranges in every name, and machines choose
    their own hostnames. So what a machine said goes in only as a name of harmless characters.
    """
    hosts: dict[str, Json] = {}
    groups: dict[str, dict[str, None]] = {}
    for server in (one.server for one in found if one.server is not None):
        name = _host_name(server, hosts)
        endpoint = server.endpoints[0]
        hosts[name] = {
            "ansible_host": endpoint.address,
            "ansible_port": endpoint.port,
            "ansible_user": server.user,
        }
        for group in _groups(server):
            groups.setdefault(group, {})[name] = None
    children = {group: {"hosts": members} for group, members in sorted(groups.items())}
    return {"all": {"hosts": hosts, "children": children}}


def _host_name(server: Server, taken: Iterable[str]) -> str:
    """Its hostname where that is fit and free, else its address."""
    name = server.identity.hostname
    fit = _HOST.fullmatch(name) and name.lower() not in _NOT_A_HOST and name not in taken
    endpoint = server.endpoints[0]
    # Brackets and colons mean something in a host's name.
    return name if fit else f"{endpoint.address.replace(':', '_')}_{endpoint.port}"


def _groups(server: Server) -> list[str]:
    names = [f"os_{server.facts.os.split()[0]}"] if server.facts.os.strip() else []
    names += [f"{key}_{value}" for key, value in sorted(server.labels.items())]
    fit = [_UNFIT.sub("_", name).strip("_").lower()[:64] for name in names]
    return [name for name in dict.fromkeys(fit) if name not in {"", "os"}]
