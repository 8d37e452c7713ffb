"""The picture that `outkept top` draws: as many lines as the terminal has, no line too long."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from outkept.app.mirror import Mirror
from outkept.cli.render import STYLES, clock_time, figure, harmless, seconds
from outkept.cli.trouble import trouble

Json = dict[str, Any]

MAIN = (("load", "LOAD", 6), ("cpu", "CPU", 6), ("memory", "MEM", 6), ("disk", "DISK", 6))
"""Sensors that have a column: their name, the column's, its width."""
FIXED_LINES = 8
"""The header, headings, gaps and the line of keys."""
STATUS_WIDTH = 12
LONGEST_NAME = 32
_BAD_WORDS = ("quarantined", "alarmed", "disconnected", "warned", "queued_up")


@dataclass(frozen=True, slots=True)
class Screen:
    """What is drawn besides the fleet: the terminal's size, where the daemon is, a notice
    while there is no connection to it, and at the foot which keys there are."""

    width: int
    height: int
    url: str
    notice: str = ""
    scroll: int = 0
    hint: str = " q quit   ↑ ↓ scroll "


def picture(mirror: Mirror, screen: Screen) -> Text:
    """All lines, exactly `screen.height` of them."""
    head = [_title(mirror, screen), _counters(mirror), _work(mirror), Text("")]
    events = _event_lines(mirror, screen)
    room = max(0, screen.height - len(head) - len(events) - 2)
    body = _server_lines(mirror, screen, room)
    foot = Text(screen.hint, style="dim")
    lines = [*head, *body, *events][: screen.height - 1]
    lines += [Text("")] * (screen.height - 1 - len(lines))
    return Text("\n", end="").join(_fitted(line, screen.width) for line in [*lines, foot])


def _fitted(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line


def _title(mirror: Mirror, screen: Screen) -> Text:
    where = Text.assemble(("outkept", "bold"), f"  {harmless(screen.url)}")
    if screen.notice:
        where.append("  ")
        where.append(f" {harmless(screen.notice)} ", style="bold white on red")
    elif mirror.now is not None:
        where.append(clock_time(mirror.now, "  %H:%M:%S"), style="dim")
    return where


def _counters(mirror: Mirror) -> Text:
    counts = mirror.counts
    line = Text.assemble((f"{len(mirror.servers):,}", "bold"), " servers")
    sensors = mirror.stats.get("sensors")
    if isinstance(sensors, int):
        line.append(f"  {sensors:,} sensors")
    for word in _BAD_WORDS:
        if counts.get(word):
            line.append("   ")
            line.append(f"● {counts[word]:,} {word.replace('_', ' ')}", style=STYLES[word])
    if mirror.servers and not any(counts.get(word) for word in _BAD_WORDS):
        line.append("   ● all well", style="green")
    if mirror.stats.get("reactions_stopped") is True:
        line.append("   ")
        line.append(" all reactions are stopped ", style="bold white on magenta")
    return line


def _work(mirror: Mirror) -> Text:
    stats = mirror.stats
    parts = []
    rate = stats.get("events_per_s")
    if isinstance(rate, int | float):
        parts.append(f"{rate:,.0f} readings/s")
    day = [
        f"{stats[key]:,} {word}{'' if stats[key] == 1 else 's'}"
        for key, word in (("warned", "warning"), ("alarmed", "alarm"), ("fired", "reaction"))
        if isinstance(stats.get(key), int)
    ]
    if day:
        parts.append(f"last 24 h: {', '.join(day)}")
    parts += [_sweep(sweep) for sweep in mirror.sweeps if sweep.get("finished") is None][:1]
    return Text("   ".join(parts), style="dim")


def _sweep(sweep: Json) -> str:
    done, total, left = sweep.get("done"), sweep.get("total"), sweep.get("left_s")
    share = (
        f" {100 * done // total} %"
        if isinstance(done, int) and isinstance(total, int) and total
        else ""
    )
    time_left = f", {seconds(left)} left" if isinstance(left, int | float) else ""
    return f"sweeping {harmless(sweep.get('range'))}{share}{time_left}"


def _server_lines(mirror: Mirror, screen: Screen, room: int) -> list[Text]:
    if not mirror.servers:
        return (
            [Text("No servers yet: the sweep goes on.", style="dim")]
            if mirror.seq is not None
            else []
        )
    rows = max(0, room - 1)
    scroll = min(screen.scroll, max(0, len(mirror.servers) - rows))
    shown = mirror.worst(scroll + rows)[scroll:]
    name_width = max((cell_len(_name(server)) for server in shown), default=6)
    name_width = max(6, min(name_width, LONGEST_NAME, screen.width // 3))
    columns = [column for column in MAIN if screen.width >= 60 + name_width]
    lines = [_heading(columns, name_width)]
    lines += [_server_line(server, columns, name_width, mirror.now or 0.0) for server in shown]
    below = len(mirror.servers) - scroll - len(shown)
    if below > 0 and len(lines) > 1:
        lines[-1] = Text(f"… {below + 1:,} more", style="dim")
    return lines


def _heading(columns: Sequence[tuple[str, str, int]], name_width: int) -> Text:
    cells = [_cell("STATUS", STATUS_WIDTH), _cell("SERVER", name_width)]
    cells += [f"{title:>{width}}" for _, title, width in columns]
    return Text("  ".join([*cells, "WHAT"]), style="bold reverse")


def _server_line(
    server: Json, columns: Sequence[tuple[str, str, int]], name_width: int, now: float
) -> Text:
    status = str(server.get("status"))
    away = status in {"disconnected", "quarantined"}
    line = Text(_cell(harmless(status), STATUS_WIDTH), style=STYLES.get(status, ""), end="")
    line = Text.assemble(line, "  ", (_cell(_name(server), name_width), "bold"))
    for sensor, _, width in columns:
        value, style = _main_value(server, sensor)
        line.append(f"  {value[:width]:>{width}}", style="dim" if away else style)
    return Text.assemble(line, "  ", trouble(server, now))


def _main_value(server: Json, name: str) -> tuple[str, str]:
    """The highest value of a sensor's series, as it stands in its column."""
    found = [
        sensor
        for sensor in server.get("sensors") or []
        if sensor.get("name") == name and isinstance(sensor.get("value"), int | float)
    ]
    if not found:
        return "", ""
    worst = max(found, key=lambda sensor: float(sensor["value"]))
    unit = str(worst.get("unit") or "")
    value = float(worst["value"])
    text = (
        f"{value:.0f}%" if unit == "%" else figure(round(value, 2) if value < 100 else round(value))
    )
    status = str(worst.get("status"))
    return text, STYLES.get(status, "") if status != "normal" else ""


def _event_lines(mirror: Mirror, screen: Screen) -> list[Text]:
    """A quarter of the screen, under a heading; none where there is hardly room for servers."""
    room = (screen.height - FIXED_LINES) // 4
    if room < 1 or not mirror.events:
        return []
    lines = [Text("")] + [_event_line(event) for event in _first(mirror.events, room)]
    lines.insert(1, Text("TIME      WHAT HAPPENED", style="bold"))
    return lines


def _first(events: Iterable[Json], most: int) -> Iterator[Json]:
    for index, event in enumerate(events):
        if index >= most:
            return
        yield event


def _event_line(event: Json) -> Text:
    moment = clock_time(event.get("at"), "%H:%M:%S")
    kind = str(event.get("type"))
    return Text.assemble(
        (f"{moment:8}  ", "dim"),
        (_cell(harmless(kind.replace("_", " ")), 16), STYLES.get(kind, "")),
        "  ",
        harmless(event.get("message")),
    )


def _name(server: Json) -> str:
    return harmless(server.get("hostname") or server.get("id"))


def _cell(text: str, width: int) -> str:
    """`text` in exactly `width` columns of a terminal."""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)
