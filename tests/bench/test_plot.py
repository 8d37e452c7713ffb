"""The plot of growth: every measured point is in it, and what it draws is well-formed."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench import plot
from bench.common import RESULTS, KeepError, kept

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [
    {"servers": 10, "CPU ms a reading": 0.2, "daemon CPU %": 0.3, "KB a server": -4.0},
    {"servers": 10_000, "CPU ms a reading": 0.05, "daemon CPU %": 60.0, "KB a server": 70.0},
]


def _said(svg: str) -> list[str]:
    root = ET.fromstring(svg)
    return [title.text or "" for circle in root.iter(f"{SVG}circle") for title in circle]


def test_every_point_is_drawn_and_named() -> None:
    said = _said(plot.draw(ROWS))
    assert "10 servers: 0.2" in said
    assert "10,000 servers: 60" in said
    assert len(said) == 5, "a logarithm has no place for the negative one"


def test_a_single_size_is_drawn() -> None:
    assert len(_said(plot.draw(ROWS[1:]))) == 3


def test_values_stay_inside_their_panel() -> None:
    root = ET.fromstring(plot.draw(ROWS))
    for circle in root.iter(f"{SVG}circle"):
        assert plot.LEFT <= float(circle.attrib["cx"]) <= plot.WIDTH - plot.RIGHT
        assert plot.TOP <= float(circle.attrib["cy"]) <= plot.HEIGHT - plot.BOTTOM


def test_the_result_of_the_repository_is_drawn(tmp_path: Path) -> None:
    output = tmp_path / "growth.svg"
    assert plot.main(["--output", str(output)]) == 0
    rows = json.loads((RESULTS / "poll.json").read_text())["rows"]
    assert len(_said(output.read_text())) == len(rows) * len(plot.COSTS)


def test_without_a_result_it_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plot.main(["--results", str(tmp_path), "--output", str(tmp_path / "x.svg")]) == 1
    assert "python -m bench.poll" in capsys.readouterr().out


def test_lines_of_other_sizes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "poll.json"
    same = {"interval": "10 s"}
    assert kept(path, same, "servers", [10]) == []
    path.write_text(json.dumps({"parameters": {**same, "seconds": 5}, "rows": ROWS}))
    assert kept(path, same, "servers", [10, 100]) == ROWS[1:]
    with pytest.raises(KeepError, match="'10 s'"):
        kept(path, {"interval": "5 s"}, "servers", [10])
    path.write_text("{}")
    with pytest.raises(KeepError, match="run without --keep"):
        kept(path, same, "servers", [10])
