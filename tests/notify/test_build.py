"""What `outkept check` says of targets and templates that can't be used; nothing is quoted."""

from pathlib import Path

import pytest

from outkept.cli.plan import inspect
from outkept.config.commandline import CommandLine

CASES = [
    ("targets:\n    a: nonsense://t0psecret", 5, "notify.targets.a.url: apprise doesn't know"),
    ("targets:\n    a: {url: slack://t0psecret}", 5, "notify.targets.a.url: apprise doesn't"),
    ("targets:\n    a: t0psecret", 5, "notify.targets.a.url: it is not a URL"),
    ("targets:\n    a: {url_file: nofile}", 5, "notify.targets.a.url_file: "),
    ("targets:\n    a: {url_file: .}", 5, "notify.targets.a.url_file: "),
    ("templates:\n    title: '{{ t0 '", 5, "notify.templates.title: line 1: "),
    ("templates:\n    body: |\n      a\n      {{ nam }}", 5, "notify.templates.body: line "),
    ("templates:\n    body: '{{ [].__class__ }}'", 5, "notify.templates.body: line 1: "),
]


@pytest.mark.parametrize(("section", "line", "text"), CASES)
def test_what_would_go_wrong_later_is_told_at_its_line(
    tmp_path: Path, section: str, line: int, text: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"ranges: [10.0.0.0/30]\nssh: {{keys: []}}\nnotify:\n  {section}\n")
    _, _, problems = inspect(path, CommandLine())
    said = [str(problem) for problem in problems if "notify" in problem.what]
    assert len(said) == 1
    assert said[0].startswith(f"{path}:{line}: {text}")
    assert "t0psecret" not in said[0]
