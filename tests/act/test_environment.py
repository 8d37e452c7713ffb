"""Facts reach a reaction as variables, whatever they are, and never as part of its text."""

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from outkept.act.environment import LONGEST, Occasion, with_environment, without_environment

OCCASION = Occasion("s1", "web1", "disk", "/var", 97.5, "alarmed", 12, 1)
texts = st.text(
    st.characters() | st.sampled_from("'\"\\$`\n\r\0;&|<>()*?!#~ \t\udc80é"), max_size=200
)


def test_the_variables_of_an_occasion() -> None:
    assert OCCASION.variables() == {
        "OUTKEPT_SERVER": "s1",
        "OUTKEPT_HOSTNAME": "web1",
        "OUTKEPT_SENSOR": "disk",
        "OUTKEPT_INSTANCE": "/var",
        "OUTKEPT_VALUE": "97.5",
        "OUTKEPT_LEVEL": "alarmed",
        "OUTKEPT_INCIDENT": "12",
        "OUTKEPT_STEP": "1",
    }


@given(texts, texts)
@settings(max_examples=60)
def test_whatever_they_hold_the_command_reads_it_and_runs_nothing_else(
    instance: str, value: str
) -> None:
    occasion = Occasion("s1", "web1", "disk", instance, value, "alarmed", None, 2)
    command = 'printf "%s\\0%s\\0%s\\0" "$OUTKEPT_INSTANCE" "$OUTKEPT_VALUE" "$OUTKEPT_STEP"'
    script = with_environment(command, occasion.variables())
    assert script.endswith(command)
    assert without_environment(script) == command
    done = subprocess.run(["sh", "-c", script], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"".join(
        text.replace("\0", "\ufffd").encode("utf-8", "replace") + b"\0"
        for text in (instance, value, "2")
    )


def test_a_long_text_is_cut() -> None:
    variables = Occasion("s", "h", "n", None, "x" * 10_000, "alarmed", None, 1).variables()
    script = with_environment("true", variables)
    assert "x" * LONGEST in script
    assert "x" * (LONGEST + 1) not in script
