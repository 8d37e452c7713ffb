"""Run a bench's short form as people do, and look at what it left."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DEADLINE = 240
"""Seconds a short form may take on a machine with better things to do."""


def short_form(bench: str, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """The rows of `python -m bench.BENCH --short`, from its JSON; its table has them, too."""
    command = [sys.executable, "-m", f"bench.{bench}", "--short", "--results", str(folder)]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"bench {bench}" in done.stdout
    report = json.loads((folder / f"{bench}-short.json").read_text())
    assert report["bench"] == bench
    assert report["short"] is True
    assert report["machine"]["cpus"] >= 1
    rows: list[dict[str, Any]] = report["rows"]
    assert all(row.keys() == rows[0].keys() for row in rows)
    return rows
