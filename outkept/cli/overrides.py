"""`outkept overrides`: which servers each override touches, and what comes of its sensors."""

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from outkept.cli.api import Daemon, Json, ask, ask_list
from outkept.cli.daemon import Asked, asking
from outkept.cli.errors import fail_all
from outkept.cli.lists import MOST, print_list
from outkept.cli.names import OfServer, id_of
from outkept.cli.render import cell
from outkept.config.commandline import CommandLine
from outkept.config.load import load
from outkept.config.overrides import MatchSubject
from outkept.config.preview import Preview
from outkept.model.server import Facts

_COLUMNS = ("NO", "MATCH", "SERVERS", "SENSOR", "KEY", "FROM", "TO", "HOLDS ON")
_SHOWN = 5
"""Servers of an override that a table names."""


@asking
def overrides(asked: Asked, server: OfServer = None) -> None:
    """Show which servers each override touches, and what becomes of their sensors.

    They are those of a running daemon, or with -c FILE of a configuration that is proposed.

    Example: outkept overrides -c proposed.yaml --server db1
    """
    daemon = asked.daemon()
    id_ = id_of(daemon, server)
    if asked.config is None:
        found = ask_list(daemon, "overrides", MOST, server=id_)
    else:
        found = _proposed(asked.config, daemon, id_)
    rows = (row for one in found for row in _rows(one))
    nothing = "No overrides touch it." if id_ else "No overrides."
    print_list(found, _COLUMNS, rows, nothing=nothing, as_json=asked.as_json)


def _proposed(config: Path, daemon: Daemon, id_: str | None) -> list[Json]:
    """The file's overrides, matched here against the servers that the daemon knows."""
    loaded = load(config, CommandLine())
    if loaded.settings is None or loaded.problems:
        fail_all(loaded.problems)
    servers = ask_list(daemon, "servers", MOST) if id_ is None else [ask(daemon, f"servers/{id_}")]
    preview = Preview(loaded.settings.sensors.overrides, loaded.sensors)
    hidden = {sensor.name for sensor in loaded.sensors if not sensor.exported}
    for one in servers:
        preview.add(str(one.get("id")), _subject(one), _having(one) | hidden)
    return [view for view in preview.views() if id_ is None or view["servers"]]


def _subject(one: Json) -> MatchSubject:
    """A server as it came over the network, with whatever in it is none left out."""
    facts, labels, addresses = one.get("facts"), one.get("labels"), one.get("addresses")
    known = facts if isinstance(facts, dict) else {}
    return MatchSubject(
        str(one.get("hostname") or ""),
        {str(k): str(v) for k, v in labels.items()} if isinstance(labels, dict) else {},
        tuple(map(str, addresses)) if isinstance(addresses, list) else (),
        Facts(
            os=_text(known.get("os")),
            kernel=_text(known.get("kernel")),
            architecture=_text(known.get("architecture")),
            cpus=_number(known.get("cpus")),
            memory_bytes=_number(known.get("memory_bytes")),
            ssh_version=_text(known.get("ssh_version")),
            shell=_text(known.get("shell")),
        ),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _having(one: Json) -> set[str]:
    sensors = one.get("sensors")
    found = sensors if isinstance(sensors, list) else []
    return {str(each.get("name")) for each in found if isinstance(each, dict)}


def _rows(one: Json) -> Iterator[tuple[Text, ...]]:
    """One for each key that changes; what is the same for all stands in the first."""
    about = (cell(one.get("number"), "bold"), cell(_match(one.get("match"))), cell(_servers(one)))
    for changed in _dicts(one.get("sensors")):
        sensor = cell(changed.get("sensor"))
        for change in _dicts(changed.get("changes")):
            yield (
                *about,
                sensor,
                cell(change.get("key")),
                cell(_value(change.get("from")), "dim"),
                cell(_value(change.get("to"))),
                cell(change.get("servers")),
            )
            about, sensor = (Text(), Text(), Text()), Text()


def _match(match: object) -> str:
    if not isinstance(match, dict) or not match:
        return "every server"
    parts: list[str] = []
    for key, value in match.items():
        of = value.items() if isinstance(value, dict) else [("", value)]
        parts += [f"{key}{'.' if name else ''}{name}={wanted}" for name, wanted in of]
    return " ".join(parts)


def _servers(one: Json) -> str:
    names = [str(each.get("hostname")) for each in _dicts(one.get("first"))]
    more = ", …" if len(names) > _SHOWN else ""
    return f"{one.get('servers')}: {', '.join(names[:_SHOWN])}{more}" if names else "none"


def _value(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _dicts(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
