"""From options to what a daemon is started with, or every problem at once."""

import os
import sys
from collections.abc import Iterator
from getpass import getpass
from pathlib import Path

from outkept.app.start import Plan, place_of
from outkept.cli.errors import fail_all
from outkept.config.commandline import CommandLine
from outkept.config.load import Loaded, load
from outkept.config.problems import Problem
from outkept.notify.build import faults
from outkept.poll.examples import example_fault
from outkept.ssh.errors import KeyProblem
from outkept.ssh.keys import Credentials, load_credentials

PASSPHRASE = "OUTKEPT_PASSPHRASE"  # noqa: S105 - the name of the variable
PASSPHRASE_FILE = "OUTKEPT_PASSPHRASE_FILE"  # noqa: S105


def make_plan(path: Path | None, options: CommandLine) -> Plan:
    """Settings, sensors and credentials; ends the process with all problems there are."""
    loaded, credentials, problems = inspect(path, options)
    if problems or loaded.settings is None:
        fail_all(problems)
    return Plan(loaded.settings, loaded.sensors, credentials)


def inspect(path: Path | None, options: CommandLine) -> tuple[Loaded, Credentials, list[Problem]]:
    """Everything that can be checked without contacting a server."""
    loaded = load(path, options)
    credentials, key_problems = _credentials(loaded)
    problems = [
        *loaded.problems,
        *key_problems,
        *_listen_problems(loaded),
        *_example_problems(loaded),
        *notify_problems(loaded),
    ]
    return loaded, credentials, problems


def _credentials(loaded: Loaded) -> tuple[Credentials, list[Problem]]:
    """Keys are loaded even where the configuration has other problems, so that all are told
    at once. Nobody named the default key, so it may be missing while an agent is there."""
    paths = loaded.key_paths()
    agent = loaded.settings is not None and loaded.settings.ssh.agent
    credentials, found = load_credentials(paths, agent=agent, passphrase=_passphrase)
    if not loaded.written("ssh.keys") and (credentials.keys or credentials.agent_path):
        return credentials, []
    return credentials, [_located(loaded, paths, problem) for problem in found]


def _located(loaded: Loaded, paths: tuple[Path, ...], problem: KeyProblem) -> Problem:
    path = f"ssh.keys.{paths.index(problem.path)}"
    mend = "name a private key with ssh.keys or --key"
    if "passphrase" in problem.reason:
        mend = f"set {PASSPHRASE} or {PASSPHRASE_FILE}, or load the key into an agent"
    return loaded.problem(path, f"{problem.path}: {problem.reason}", mend)


def _listen_problems(loaded: Loaded) -> Iterator[Problem]:
    if loaded.settings is None:
        return
    fault = place_of(loaded.settings.dashboard).fault()
    if fault is not None:
        what, mend = fault
        yield loaded.problem("dashboard.listen", f"{loaded.settings.dashboard.listen} {what}", mend)


def notify_problems(loaded: Loaded) -> Iterator[Problem]:
    """What is wrong with targets and templates that only shows when they are made."""
    if loaded.settings is not None:
        for path, what, mend in faults(loaded.settings.notify):
            yield loaded.problem(path, what, mend)


def _example_problems(loaded: Loaded) -> Iterator[Problem]:
    for sensor in loaded.sensors:
        for number, example in enumerate(sensor.examples, 1):
            fault = example_fault(sensor, example)
            if fault is not None:
                file, _, line = sensor.source.rpartition(":")
                what = f"sensor '{sensor.name}': example {number}: {fault}"
                yield Problem(file, int(line), what, "correct the example or the command's parse")


def _passphrase(path: Path) -> str | None:
    """From the environment, from a file, or asked for where somebody can answer."""
    if (given := os.environ.get(PASSPHRASE)) is not None:
        return given
    if (name := os.environ.get(PASSPHRASE_FILE)) is not None:
        return _first_line(Path(name))
    if sys.stdin.isatty() and sys.stderr.isatty():
        return _typed(f"Passphrase for {path}: ")
    return None


def _typed(prompt: str) -> str | None:
    """None: Ctrl-D, which leaves the line of the prompt open."""
    try:
        return getpass(prompt, stream=sys.stderr)
    except EOFError:
        sys.stderr.write("\n")
        return None


def _first_line(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline(4096).rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None
