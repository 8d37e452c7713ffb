"""What all benches share: arguments, a progress bar, a table, and JSON beside it.

options = parser(__doc__).parse_args(arguments)
with steps("sweep", total=12) as step: … step("nmap, round 2")
Report("sweep", options.short, {"rounds": 3}, rows, notes).publish()
"""

import argparse
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
"""Where the JSON goes; a short form's is told apart by its name."""

Row = dict[str, str | int | float | None]
"""One line of a table: column title → cell. All rows of a table have the same columns."""


def parser(description: str | None) -> argparse.ArgumentParser:
    """The arguments that every bench takes. The first line of `description` is shown."""
    made = argparse.ArgumentParser(description=(description or "").strip().partition("\n")[0])
    made.add_argument("--short", action="store_true", help="seconds, to show that it works")
    made.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON")
    return made


class KeepError(Exception):
    """An earlier result can't be added to; the message says why, and what to do."""


def kept(path: Path, same: Mapping[str, Any], column: str, new: Sequence[float]) -> list[Row]:
    """Rows of an earlier result whose `column` is none of `new`; none when there is no file.

    `same` are the parameters that lines of one table have in common. Raises KeepError.
    """
    if not path.exists():
        return []
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        before = {name: earlier["parameters"][name] for name in same}
        rows: list[Row] = [row for row in earlier["rows"] if row[column] not in new]
    except (OSError, ValueError, KeyError) as error:
        raise KeepError(f"{path} is no result to add to: {error!r}; run without --keep") from None
    if before != same:
        raise KeepError(f"{path} was measured with {before}; give the same, or leave --keep out")
    return rows


@contextmanager
def steps(name: str, total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on standard error; call what is given with the name of each next step."""
    columns = (
        TextColumn("[bold]{task.fields[bench]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, bench=name)
        begun = False

        def step(what: str) -> None:
            nonlocal begun
            bar.update(task, description=what, advance=1 if begun else 0)
            begun = True

        yield step


@dataclass(frozen=True)
class Cpu:
    """Processor seconds of this process and of its children that have ended."""

    own: float
    children: float

    @classmethod
    def now(cls) -> "Cpu":
        """As of now, user and system together."""
        return cls(
            *(
                usage.ru_utime + usage.ru_stime
                for usage in map(
                    resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
                )
            )
        )

    def since(self, before: "Cpu") -> float:
        """Seconds spent between `before` and this, by both."""
        return self.own - before.own + self.children - before.children


def cpu_of(pid: int) -> float:
    """Processor seconds that a running process has used so far, its children left out.

    Raises OSError when there is no such process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> int:
    """Bytes of memory that only this running process uses (`Pss` counts shared pages once for
    all their users). Raises OSError when there is no such process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/{pid}/smaps_rollup has no line of Pss")


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that `part` (0 to 1) of `values` do not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def median(values: Sequence[float]) -> float:
    """The median; 0 for none."""
    return statistics.median(values) if values else 0.0


def rounded(value: float, digits: int = 3) -> float:
    """`value` to so many significant digits: more of them would be noise."""
    return float(f"{value:.{digits}g}")


def result_name(bench: str, *, short: bool) -> str:
    """The file of a bench's result."""
    return f"{bench}{'-short' if short else ''}.json"


@dataclass(frozen=True)
class Report:
    """A bench's result. `parameters` say what was measured, `notes` what to know of it."""

    bench: str
    short: bool
    parameters: Mapping[str, Any]
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    machine: Mapping[str, Any] = field(default_factory=lambda: machine())

    def publish(self, folder: Path = RESULTS) -> Path:
        """Print the table, write the JSON into `folder`, and return its path."""
        self._print()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / result_name(self.bench, short=self.short)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        print(f"{path}")
        return path

    def _print(self) -> None:
        wide = max(200, Console().width)
        said = ", ".join(f"{key} {value}" for key, value in self.parameters.items())
        table = Table(title=f"bench {self.bench}: {said}", title_justify="left")
        for name in self.rows[0] if self.rows else ():
            numbers = any(isinstance(row[name], int | float) for row in self.rows)
            table.add_column(name, justify="right" if numbers else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*map(_cell, row.values()))
        console = Console(width=wide)
        console.print(table)
        for note in self.notes:
            console.print(f"  {note}", highlight=False)


def _cell(value: str | int | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else value


def machine() -> dict[str, Any]:
    """What the numbers depend on, and how busy it was while they were taken."""
    return {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
