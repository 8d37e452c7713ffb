"""Other people's text made harmless for a notice. Pure.

What a server says goes to services that draw markup, ping people and follow links. Here it is
made one short line of visible characters in which nothing is a mention, a tag or a link with
another text; what a service's own format needs escaped, apprise escapes.
"""

import re
import unicodedata
from urllib.parse import unquote

LONGEST_VALUE = 300
_GAP = "\u200b"
"""A character of no width: what it stands in is no longer what a service looks for."""

_MENTION = re.compile(r"@(?=\S)")
_TAG = re.compile(r"<(?=[!@#&/:?A-Za-z])")
_LINK = re.compile(r"\](?=\()")
_FENCE = re.compile(r"`(?=`)")
_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,40})://\S+", re.ASCII)
_PIECES = re.compile(r"[/:@?&=,#+;\s]+")
_SHORTEST_SECRET = 4


def harmless(text: object, longest: int = LONGEST_VALUE) -> str:
    """`text` on one line of at most `longest` characters (a little more where something was taken
    apart), without what steers a screen or hides in it, mentions nobody and marks up nothing."""
    line = visible(text)
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    for pattern in (_MENTION, _TAG, _LINK, _FENCE):
        line = pattern.sub(lambda match: match[0] + _GAP, line)
    return line


def visible(text: object) -> str:
    """`text` on one line, each run of spaces and line ends one space, without control characters,
    marks of direction and width, and what is no character at all."""
    kept = (
        " " if char.isspace() else char
        for char in str(text)
        if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    return " ".join("".join(kept).split())


def redacted(text: object, url: str) -> str:
    """`text` on one short line without any part of `url` but its scheme, and with the scheme alone
    of every other URL."""
    scheme, _, rest = url.partition("://")
    line = _URL.sub(lambda match: f"{match[1]}://…", visible(text))
    pieces = {piece for piece in _PIECES.split(rest) if piece}
    pieces |= {unquote(piece) for piece in pieces}
    secret = {piece for piece in pieces if len(piece) >= _SHORTEST_SECRET and piece != scheme}
    for piece in sorted(secret, key=len, reverse=True):
        line = line.replace(piece, "…")
    return harmless(line)
