"""The bench of history, in its short form: that it works, not how fast."""

import json
from pathlib import Path

from bench import history


def test_the_short_form_measures_every_part(tmp_path: Path) -> None:
    history.main(["--short", "--results", str(tmp_path)])
    report = json.loads((tmp_path / "history-short.json").read_text())
    measured = [row["measured"] for row in report["rows"]]
    for part in ("disk: load", "engine: chunks", "CPU a reading", "month of", "heat map of"):
        assert [name for name in measured if name.startswith(part)], part
