"""Frames and scripts: what goes to a shell and what comes back, in chunks of any size."""

import secrets
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.ssh.frames import Door, Frame, FrameError, Frames, frame, greeting
from outkept.ssh.script import (
    LONGEST,
    PROLOGUE,
    Asked,
    Hello,
    Reader,
    ScriptError,
    ask,
    for_any_shell,
    foreign,
    hello,
    register,
)
from tests.servers import program

NONCE = "00112233aabbccdd"

hostile = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [b"", b";", b"0 0:", f"{NONCE} 1 0 0:;".encode(), f"{NONCE} 2 0 3:abc;".encode(), b"\xff:"]
    ),
)
answers = st.lists(st.tuples(st.integers(0, 255), hostile), max_size=8)
cuts = st.lists(st.integers(1, 40), min_size=1, max_size=20)


def chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    found, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        found.append(data[at : at + size])
        at, turn = at + size, turn + 1
    return found


@given(answers, cuts)
def test_frames_arrive_whole_however_they_are_cut(
    sent: list[tuple[int, bytes]], sizes: list[int]
) -> None:
    data = b"".join(frame(NONCE, n, status, out) for n, (status, out) in enumerate(sent, 1))
    frames, found = Frames(NONCE, len(sent)), list[Frame]()
    for chunk in chunks(data, sizes):
        found += frames.feed(chunk)
    assert frames.broken == ""
    assert [(each.position, each.status, each.stdout) for each in found] == [
        (n, status, out.replace(b"\0", b"").rstrip(b"\n"))
        for n, (status, out) in enumerate(sent, 1)
    ]


@given(answers, st.binary(min_size=1, max_size=150), st.integers(0, 8), cuts)
def test_what_stands_between_frames_costs_those_behind_it_alone(
    sent: list[tuple[int, bytes]], noise: bytes, place: int, sizes: list[int]
) -> None:
    parts = [frame(NONCE, n, status, out) for n, (status, out) in enumerate(sent, 1)]
    place = min(place, len(parts))
    data = b"".join([*parts[:place], b"x" + noise + b":", *parts[place:]])
    frames, found = Frames(NONCE, len(sent)), list[Frame]()
    for chunk in chunks(data, sizes):
        found += frames.feed(chunk)
    assert frames.broken
    assert [each.position for each in found] == list(range(1, place + 1))


@given(st.binary(max_size=400), cuts)
def test_any_bytes_are_taken_without_an_error(data: bytes, sizes: list[int]) -> None:
    frames = Frames(NONCE, 3)
    for chunk in chunks(data, sizes):
        frames.feed(chunk)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"0badbadbadbadbad 1 0 1:x;", "a frame that was not asked for"),
        (f"{NONCE} 2 0 1:x;".encode(), "a frame out of its order"),
        (f"{NONCE} 1 0 1:xyz".encode(), "a frame of another length than it says"),
        (b"hello, I am a sensor that found the channel " * 3, "bytes between the frames"),
        (f"{NONCE} 1 0 1:x;{NONCE} 2 0 1:x;".encode(), "bytes after the last frame"),
    ],
)
def test_a_broken_frame_says_how(data: bytes, why: str) -> None:
    frames = Frames(NONCE, 1)
    frames.feed(data)
    assert frames.broken == why
    assert frames.feed(f"{NONCE} 1 0 1:x;".encode()) == []


def test_of_too_long_an_output_the_length_alone_is_sent() -> None:
    data = frame(NONCE, 1, 0, b"x" * (LONGEST + 1)) + frame(NONCE, 2, 0, b"y")
    assert len(data) < 200
    assert Frames(NONCE, 2).feed(data) == [Frame(1, 0, None), Frame(2, 0, b"y")]


@given(st.binary(max_size=200), cuts)
def test_the_greeting_is_found_behind_what_start_files_print(
    noise: bytes, sizes: list[int]
) -> None:
    door = Door(NONCE)
    found = [door.feed(chunk) for chunk in chunks(noise + greeting(NONCE, 77, "fish"), sizes)]
    assert found[:-1] == [None] * (len(found) - 1)
    last = found[-1]
    assert last is not None
    assert (last.pid, last.login_shell) == (77, "fish")


def test_a_server_that_repeats_what_it_reads_is_no_shell() -> None:
    door = Door(NONCE)
    assert door.feed((PROLOGUE + hello(NONCE)).encode()) is None
    with pytest.raises(FrameError):
        door.feed(b"login: " * 20_000)


commands = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@given(st.lists(commands, min_size=1, max_size=6, unique=True), cuts)
def test_a_script_is_read_as_it_was_written(texts: list[str], sizes: list[int]) -> None:
    numbers = {text: n for n, text in enumerate(texts, 1)}
    script = PROLOGUE + hello(NONCE) + "".join(register(n, text) for text, n in numbers.items())
    pieces = [[numbers[texts[0]]], [numbers[text] for text in texts]]
    script += ask("abcd", pieces) + ask("ef01", pieces)
    reader, found = Reader(), list[Hello | Asked]()
    for chunk in chunks(script.encode(), [size * 20 for size in sizes]):
        found += reader.feed(chunk)
    expected = (((1, texts[0]),), tuple((n + 1, text) for n, text in enumerate(texts, 1)))
    assert found == [Hello(NONCE), Asked("abcd", expected), Asked("ef01", expected)]


@given(st.binary(min_size=5, max_size=50).filter(lambda data: not data.startswith(b"exec")))
def test_another_script_is_refused_by_the_simulated_shell(data: bytes) -> None:
    with pytest.raises(ScriptError):
        Reader().feed(data)


@pytest.mark.parametrize("shell", ["dash", "bash", "ksh", "zsh", "tcsh", "fish"])
def test_a_command_survives_any_login_shell(shell: str) -> None:
    nonce = secrets.token_hex(4)
    command = (
        "v='it''s !! $HOME `x` \\\\n'\nprintf '%s|é%s\\n' \"$v\" \"$#\" # no\necho e >&2; exit 3"
    )
    text = for_any_shell(command, nonce)
    done = subprocess.run([program(shell), "-c", text], capture_output=True)
    expected = subprocess.run([program("dash"), "-c", command], capture_output=True)
    assert (done.returncode, done.stdout) == (3, expected.stdout)
    first, _, rest = done.stderr.partition(b"\n")
    assert first.split()[0] == nonce.encode()
    assert rest == b"e\n"


def test_only_posix_shells_are_given_commands_as_they_are() -> None:
    assert [foreign(name) for name in ("", "bash", "ash", "zsh")] == [False] * 4
    assert [foreign(name) for name in ("fish", "tcsh", "csh", "nologin")] == [True] * 4
