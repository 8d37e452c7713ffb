"""What a server says can do nothing in a notice."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.notify.text import LONGEST_VALUE, harmless, redacted, visible


@given(st.text(max_size=600))
def test_any_text_becomes_one_short_line_without_mentions_and_tags(text: str) -> None:
    line = harmless(text)
    assert len(line) <= 2 * LONGEST_VALUE
    assert len(line.splitlines()) <= 1
    for at, char in enumerate(line):
        assert char == "\u200b" or unicodedata.category(char)[0] != "C"
        after = line[at + 1 : at + 2]
        assert char != "@" or after in ("", " ", "\u200b")
        assert (
            char != "<"
            or not after
            or (after not in "!@#&/:?" and not after.isascii())
            or (not after.isalpha())
        )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("disk[/var] is 97 % >= 95", "disk[/var] is 97 % >= 95"),
        ("a\r\nSubject: b", "a Subject: b"),
        ("\x1b[31mred\x07", "[31mred"),
        ("abc\u202edef\u200b", "abcdef"),
        ("\ud800x", "x"),
        ("tab\tand\u2028line", "tab and line"),
    ],
)
def test_what_is_invisible_is_left_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert harmless(text) == shown


@pytest.mark.parametrize(
    "text", ["@everyone", "<!channel>", "<@U123>", "<b>", "</a>", "[a](http://b)", "``` x"]
)
def test_what_a_service_looks_for_is_taken_apart(text: str) -> None:
    line = harmless(f"x {text} y")
    assert text not in line
    assert line.replace("\u200b", "") == f"x {text} y"


URLS = st.builds(
    "{}://{}:{}@{}/{}?key={}".format,
    st.sampled_from(["slack", "mailto", "json"]),
    *[st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=4, max_size=20)] * 5,
)


@given(URLS, st.text(max_size=50), st.text(max_size=50))
def test_no_part_of_a_url_is_left_in_an_error(url: str, before: str, after: str) -> None:
    said = redacted(f"{before}{url}{after}", url)
    rest = url.partition("://")[2]
    for piece in rest.replace("@", "/").replace(":", "/").replace("?key=", "/").split("/"):
        said = said.replace("…", "")
        assert piece not in said or piece in redacted(before + after, "x://")


def test_other_urls_are_reduced_to_their_scheme() -> None:
    assert redacted("see https://a.example.org/x?y=z now", "json://host") == "see https://… now"


def test_an_encoded_password_is_found_as_it_is_meant() -> None:
    assert redacted("bad password: p@ss word", "mailto://me:p%40ss%20word@x.org") == (
        "bad password: …"
    )
