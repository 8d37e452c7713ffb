"""Every mistake has a file in `bad/`, with the lines that are to be printed at its top:
`# expect: LINE: what; how to mend it`. FILE stands for the file's own path."""

from pathlib import Path

import pytest

from outkept.config.library import load_library
from outkept.config.load import load

HERE = Path(__file__).parent
BUILTIN = HERE / "builtin"
CONFIGURATIONS = sorted((HERE / "bad").glob("*.bad.yaml"))
LIBRARIES = sorted((HERE / "bad" / "sensors").glob("*.bad.yaml"))


def expected(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]


def printed(path: Path, problems: object) -> list[str]:
    assert isinstance(problems, list | tuple)
    lines = [str(problem).removeprefix(f"{path}:").lstrip() for problem in problems]
    return [
        line.replace(str(path), "FILE").replace(f"{path.parent}/", "").replace(f"{HERE}/", "")
        for line in lines
    ]


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_a_mistake_in_the_configuration_is_named_with_its_line_and_remedy(path: Path) -> None:
    loaded = load(path, environ={}, builtin=BUILTIN)
    assert printed(path, loaded.problems) == expected(path) != []


@pytest.mark.parametrize("path", LIBRARIES, ids=lambda path: path.name)
def test_a_mistake_in_a_library_is_named_with_its_line_and_remedy(path: Path) -> None:
    _, problems = load_library([path])
    assert printed(path, problems) == expected(path) != []


def test_ten_mistakes_at_once_are_all_named() -> None:
    directory = HERE / "ten"
    loaded = load(directory / "outkept.yaml", environ={}, builtin=BUILTIN)
    lines = [str(problem).replace(f"{directory}/", "") for problem in loaded.problems]
    assert lines == (directory / "expected.txt").read_text().splitlines()
    assert len(lines) >= 10
    assert loaded.settings is None


def test_every_problem_is_one_line_whatever_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text('ranges: ["a\\nb\\u001b[2J"]\n"x\\ny": 1\nstate: "' + "y" * 5000 + '"\n')
    lines = [str(problem) for problem in load(path, builtin=BUILTIN).problems]
    assert len(lines) == 3
    assert all(line.isprintable() and len(line) <= 600 for line in lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ranges: [10.0.0.0/24]\nstate: \xff\n", "{}:2: it is not UTF-8 text; save it as UTF-8"),
        (b"ranges: [10.0.0.0/24]\n\n\x00\n", "{}:3: it holds the control character '\\x00'; "),
        (b"#" * (4 << 20) + b"\n", "{}: it is larger than 4 MB; "),
        (b"[" * 100, "{}:1: lists and mappings are nested more than 40 deep; nest less"),
        (b"ranges: [&a [" + b"1, " * 9000 + b"]" + b", *a" * 30 + b"]", "{}:1: it holds more than"),
    ],
    ids=["not UTF-8", "control character", "too large", "too deep", "too many aliases"],
)
def test_a_file_that_is_no_configuration_is_one_problem(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    (problem,) = load(path, builtin=BUILTIN).problems
    assert str(problem).startswith(message.format(path))


def test_an_alias_bomb_is_refused_before_it_is_written_out(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [" + f"*a{n - 1}, " * 9 + "]" for n in range(1, 30)]
    path = tmp_path / "a.yaml"
    path.write_text("\n".join(levels))
    (problem,) = load(path, builtin=BUILTIN).problems
    assert "aliases" in str(problem)


def test_a_file_that_is_not_there_or_a_directory_is_one_problem(tmp_path: Path) -> None:
    (missing,) = load(tmp_path / "none.yaml", builtin=BUILTIN).problems
    assert str(missing) == (
        f"{tmp_path}/none.yaml: there is no such file; create it or correct the path"
    )
    (directory,) = load(tmp_path, builtin=BUILTIN).problems
    assert str(directory) == f"{tmp_path}: it is a directory; name a file"
