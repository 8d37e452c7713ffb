"""What is written to a long-lived shell, and how a simulated server reads it. Pure.

A shell is given PROLOGUE once, each command once (`register`), and for each batch one short
line (`ask`). Commands stay in the shell's variables because some shells, bash among them, read
their script byte by byte.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

COMMAND = "exec sh"
"""Understood by every login shell, csh and fish included; reads no start files."""

LONGEST = 256 * 1024
"""Bytes of one command's output that a shell sends; of more it tells the length alone."""

PROLOGUE = r"""exec 2>/dev/null
_oi='unset _on _or; set --; exec </dev/null'
_ou=$(ulimit -S -d) && ulimit -S -d 65536 && _oi="ulimit -S -d $_ou; $_oi"
_oo=$(printf '\303\251')
if [ ${#_oo} -lt 2 ]; then
if [ "${LC_ALL+x}" ]; then _oa=$LC_ALL; _oi="LC_ALL=\$_oa; $_oi"; else _oi="unset LC_ALL; $_oi"; fi
LC_ALL=C
fi
_oo=$(printf 'a\0b')
if [ ${#_oo} -lt 2 ]; then
_og() {
_oo=$(set -o pipefail
(set +o pipefail; eval "$_oi"; eval "$_ox") | head -c LONGEST1 | tr -d '\000')
}
else
_og() { _oo=$(eval "$_oi"; eval "$_ox"); }
fi
_o() {
eval "_ox=\$_oc$2"
_og
_os=$?
_oz=${#_oo}
[ $_oz -le LONGEST ] || _oo=
_or="$_or$_on $1 $_os $_oz:$_oo;"
}
_of() {
printf %s "$_or"
_or=
}
""".replace("LONGEST1", str(LONGEST + 1)).replace("LONGEST", str(LONGEST))
"""Defines `_o POSITION COMMAND`, which runs a command and keeps its frame, and `_of`, which
sends the frames kept.

Each command runs in a subshell with an input at its end and an output that is captured; what
it changes ends with it. A limit on the shell's own memory, lifted for the command, ends a shell
whose command floods it. ${#…} counts bytes only in the C locale, which the command doesn't see.
ksh93 cuts what it captures at a NUL byte and has no bound for it, the others drop NUL bytes:
there the output goes through two filters. Frames hold no newline of their own, for bash writes
line by line.
"""

_KNOWN_POSIX = frozenset({"sh", "ash", "bash", "dash", "ksh", "ksh93", "mksh", "zsh", "busybox"})
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,.-_/=:+@")
_REGISTER = re.compile(rb"_oc(\d+)='((?:[^']|'\\'')*+)'\n")
_ASK = re.compile(rb"_on=([0-9a-f]+);((?:_o \d+ \d+;|_of;)*)\n")
_STEP = re.compile(rb"_o (\d+) (\d+);|_of;")
_MOST_KNOWN = 8
"""Batches that a reader knows again, and forgets for one more."""
_WRAPPED = re.compile(
    r"exec sh -c 'echo [0-9a-f]+ \$\$ >&2; exec sh -c \"\$\(printf %b \"\$1\"\)\"' sh '([^']*)'"
)
_OCTAL = re.compile(rb"\\0([0-7]{3})")
_HELLO = re.compile(rb'_on=([0-9a-f]+);printf %s "[^"]*"\n')


def hello(nonce: str) -> str:
    """Asks a shell that has its prologue to say that it is one."""
    return f'_on={nonce};printf %s "$_on hello $$ ${{SHELL##*/}};"\n'


def register(number: int, command: str) -> str:
    """Gives the shell `command`, to be run by its `number`."""
    quoted = command.replace("'", "'\\''")
    return f"_oc{number}='{quoted}'\n"


def ask(nonce: str, pieces: Sequence[Sequence[int]]) -> str:
    """Runs the commands of these numbers; the frames of each piece are sent together."""
    parts, position = [f"_on={nonce};"], 0
    for piece in pieces:
        for number in piece:
            position += 1
            parts.append(f"_o {position} {number};")
        parts.append("_of;")
    return "".join(parts) + "\n"


def foreign(login_shell: str) -> bool:
    """Whether commands must not be given to this login shell, for it is no POSIX shell."""
    return bool(login_shell) and login_shell not in _KNOWN_POSIX


def for_any_shell(command: str, nonce: str) -> str:
    """`command` for an exec whose login shell may be csh or fish: run by `sh`, in a process
    that first says `NONCE PID` on its standard error."""
    safe = "".join(
        chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in command.encode("utf-8")
    )
    return f"exec sh -c 'echo {nonce} $$ >&2; exec sh -c \"$(printf %b \"$1\")\"' sh '{safe}'"


def command_in(text: str) -> str:
    """The command in what `for_any_shell` made, as a simulated server reads it; any other text is
    itself."""
    match = _WRAPPED.fullmatch(text)
    if match is None:
        return text
    plain = _OCTAL.sub(lambda escape: bytes([int(escape[1], 8)]), match[1].encode())
    return plain.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Hello:
    """The question whether there is a shell."""

    nonce: str


Pieces = tuple[tuple[tuple[int, str], ...], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A batch: pieces of (position, command)."""

    nonce: str
    pieces: Pieces


class ScriptError(Exception):
    """What was written is nothing that this module writes."""


class Reader:
    """Reads a shell's standard input as a simulated server does, in chunks of any size."""

    __slots__ = ("_begun", "_buffer", "_commands", "_known")

    def __init__(self) -> None:
        self._buffer = b""
        self._begun = False
        self._commands: dict[int, str] = {}
        self._known: dict[bytes, Pieces] = {}

    def feed(self, data: bytes) -> list[Hello | Asked]:
        """What `data` completes. Raises ScriptError."""
        self._buffer += data
        if not self._begun:
            prologue = PROLOGUE.encode()
            if not self._buffer.startswith(prologue):
                if prologue.startswith(self._buffer):
                    return []
                raise ScriptError
            self._buffer = self._buffer[len(prologue) :]
            self._begun = True
        return self._take()

    def _take(self) -> list[Hello | Asked]:
        found: list[Hello | Asked] = []
        at, text = 0, self._buffer
        while at < len(text):
            if match := _ASK.match(text, at):
                found.append(self._asked(match[1].decode(), match[2]))
            elif match := _HELLO.match(text, at):
                found.append(Hello(match[1].decode()))
            elif match := _REGISTER.match(text, at):
                command = match[2].decode("utf-8", "replace").replace("'\\''", "'")
                # One copy for the ten thousand shells of a simulated fleet.
                self._commands[int(match[1])] = sys.intern(command)
                self._known.clear()
            elif text.startswith((b"_oc", b"_on"), at) or text[at:] in (b"_", b"_o"):
                break
            else:
                raise ScriptError
            at = match.end()
        self._buffer = text[at:]
        return found

    def _asked(self, nonce: str, steps: bytes) -> Asked:
        known = self._known.get(steps)
        if known is not None:  # as a rule: a server's sensors come in few mixtures
            return Asked(nonce, known)
        pieces: list[tuple[tuple[int, str], ...]] = []
        piece: list[tuple[int, str]] = []
        for step in _STEP.finditer(steps):
            if step[1] is None:
                pieces.append(tuple(piece))
                piece = []
            else:
                piece.append((int(step[1]), self._commands.get(int(step[2]), "")))
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[steps] = tuple(pieces)
        return Asked(nonce, self._known[steps])
