"""Which host keys are trusted where, in files as ssh writes them."""

import base64
import os
import subprocess
from pathlib import Path

import pytest

from outkept.model.server import Endpoint
from outkept.ssh.errors import HostKeyFileError, HostKeyRejected
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.knownhosts import fingerprint, parse
from tests.servers import generate_key, program

HOME = Endpoint("10.0.0.1")
ELSEWHERE = Endpoint("10.0.0.2")
OTHER_PORT = Endpoint("10.0.0.1", 2222)
V6 = Endpoint("fd00::1", 2222)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three public keys, `TYPE BASE64` each: two ed25519 and an RSA."""
    folder = tmp_path_factory.mktemp("keys")
    kinds = [("a", "ed25519"), ("b", "ed25519"), ("c", "rsa")]
    paths = [generate_key(folder / name, kind=kind) for name, kind in kinds]
    return [" ".join(Path(f"{path}.pub").read_text().split()[:2]) for path in paths]


@pytest.fixture(scope="module")
def keys(lines: list[str]) -> list[bytes]:
    return [base64.b64decode(line.split()[1]) for line in lines]


def test_the_first_key_is_remembered_across_restarts(tmp_path: Path, keys: list[bytes]) -> None:
    path = tmp_path / "known_hosts"
    first = HostKeys(path, strict=False)
    for endpoint in (HOME, OTHER_PORT, V6):
        first.check(endpoint, keys[0])
        first.remember(endpoint, keys[0])
        first.remember(endpoint, keys[0])
    assert len(path.read_text().splitlines()) == 3
    again = HostKeys(path, strict=False)
    for endpoint in (HOME, OTHER_PORT, V6):
        again.check(endpoint, keys[0])
        with pytest.raises(HostKeyRejected) as caught:
            again.check(endpoint, keys[1])
        assert caught.value.expected == fingerprint(keys[0])
        assert caught.value.offered == fingerprint(keys[1])


def test_a_check_alone_remembers_nothing(keys: list[bytes]) -> None:
    trust = HostKeys(None, strict=False)
    trust.check(HOME, keys[0])
    trust.check(HOME, keys[1])


def test_ssh_itself_finds_what_we_wrote(tmp_path: Path, keys: list[bytes]) -> None:
    path = tmp_path / "known_hosts"
    trust = HostKeys(path, strict=False)
    trust.remember(OTHER_PORT, keys[0])
    command = [program("ssh-keygen"), "-F", "[10.0.0.1]:2222", "-l", "-f", str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert fingerprint(keys[0]).split()[1] in found


def test_a_machine_we_know_may_move_to_another_known_address(keys: list[bytes]) -> None:
    trust = HostKeys(None, strict=False)
    trust.remember(HOME, keys[0])
    trust.remember(ELSEWHERE, keys[1])
    trust.check(ELSEWHERE, keys[0])
    with pytest.raises(HostKeyRejected):
        trust.check(ELSEWHERE, keys[2])


def test_strict_takes_only_what_the_file_says_of_that_endpoint(
    tmp_path: Path, lines: list[str], keys: list[bytes]
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"10.0.0.1 {lines[0]}\n10.0.0.2 {lines[1]}\n")
    trust = HostKeys(path, strict=True)
    trust.check(HOME, keys[0])
    with pytest.raises(HostKeyRejected) as moved:
        trust.check(ELSEWHERE, keys[0])
    assert moved.value.expected == fingerprint(keys[1])
    with pytest.raises(HostKeyRejected) as unknown:
        trust.check(Endpoint("10.0.0.3"), keys[0])
    assert unknown.value.expected == ""
    trust.remember(Endpoint("10.0.0.3"), keys[0])
    assert len(path.read_text().splitlines()) == 2


def test_hashed_names_written_by_ssh_are_found(
    tmp_path: Path, lines: list[str], keys: list[bytes]
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"10.0.0.1 {lines[0]}\n[10.0.0.1]:2222 {lines[1]}\n")
    subprocess.run(
        [program("ssh-keygen"), "-q", "-H", "-f", str(path)], check=True, capture_output=True
    )
    assert "10.0.0.1" not in path.read_text()
    trust = HostKeys(path, strict=True)
    trust.check(HOME, keys[0])
    trust.check(OTHER_PORT, keys[1])
    for endpoint in (HOME, ELSEWHERE):
        with pytest.raises(HostKeyRejected):
            trust.check(endpoint, keys[1])


def test_patterns_and_their_exceptions_are_honoured(
    tmp_path: Path, lines: list[str], keys: list[bytes]
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"10.0.0.*,!10.0.0.2 {lines[0]} fleet\n192.168.?.1 {lines[0]}\n")
    trust = HostKeys(path, strict=True)
    trust.check(HOME, keys[0])
    trust.check(Endpoint("192.168.7.1"), keys[0])
    for address in ("10.0.0.2", "192.168.77.1", "10.1.0.1"):
        with pytest.raises(HostKeyRejected):
            trust.check(Endpoint(address), keys[0])


@pytest.mark.parametrize("strict", [True, False])
def test_a_revoked_key_is_never_accepted(
    tmp_path: Path, lines: list[str], keys: list[bytes], strict: bool
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"10.0.0.1 {lines[0]}\n@revoked * {lines[0]}\n")
    with pytest.raises(HostKeyRejected, match="revoked"):
        HostKeys(path, strict=strict).check(HOME, keys[0])


def test_an_entry_for_the_bare_address_vouches_for_its_other_ports(
    tmp_path: Path, lines: list[str], keys: list[bytes]
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"10.0.0.1 {lines[0]}\n")
    strict = HostKeys(path, strict=True)
    strict.check(OTHER_PORT, keys[0])
    with pytest.raises(HostKeyRejected) as caught:
        strict.check(OTHER_PORT, keys[1])
    assert caught.value.expected == ""
    HostKeys(path, strict=False).check(OTHER_PORT, keys[1])


def test_odd_lines_do_no_harm_and_survive(
    tmp_path: Path, lines: list[str], keys: list[bytes]
) -> None:
    odd = (
        "# a comment\n\n"
        f"@cert-authority *.example {lines[2]}\n"
        "nonsense\n10.0.0.9 ssh-ed25519 not-base64\n10.0.0.9 ssh-rsa AAAA\n|1|x|y ssh-rsa AAAA\n"
        f"10.0.0.1,10.0.0.7 {lines[0]} a comment of mine\n"
        f"10.0.0.1 {lines[2]}"
    )
    path = tmp_path / "known_hosts"
    path.write_text(odd)
    trust = HostKeys(path, strict=False)
    for key in (keys[0], keys[2]):
        trust.check(HOME, key)
    trust.check(Endpoint("10.0.0.7"), keys[0])
    trust.remember(ELSEWHERE, keys[1])
    text = path.read_text()
    assert text.startswith(odd + "\n")
    assert [line.pattern for line in parse(text)][-2:] == ["10.0.0.1", "10.0.0.2"]


def test_known_key_types_are_asked_for_first(keys: list[bytes]) -> None:
    trust = HostKeys(None, strict=False)
    assert trust.algorithms(HOME)[0] == "ssh-ed25519"
    trust.remember(HOME, keys[2])
    assert trust.algorithms(HOME)[:3] == ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
    assert "ssh-ed25519" in trust.algorithms(HOME)


@pytest.mark.parametrize("endpoint", [HOME, OTHER_PORT, V6])
def test_ssh_keygen_makes_room_for_a_new_key_without_a_restart(
    tmp_path: Path, keys: list[bytes], endpoint: Endpoint
) -> None:
    path = tmp_path / "known_hosts"
    trust = HostKeys(path, strict=False)
    trust.remember(endpoint, keys[0])
    trust.remember(ELSEWHERE, keys[2])
    with pytest.raises(HostKeyRejected) as caught:
        trust.check(endpoint, keys[1])
    cure = caught.value.reason.rpartition("run: ")[2]
    assert cure.startswith(f"{Path(program('ssh-keygen')).name} -R ")
    subprocess.run(["sh", "-c", cure], check=True, capture_output=True)
    trust.check(endpoint, keys[1])
    trust.remember(endpoint, keys[1])
    trust.check(ELSEWHERE, keys[2])
    with pytest.raises(HostKeyRejected):
        trust.check(endpoint, keys[0])


def test_a_file_that_became_unreadable_changes_nothing(tmp_path: Path, keys: list[bytes]) -> None:
    path = tmp_path / "known_hosts"
    trust = HostKeys(path, strict=False)
    trust.remember(HOME, keys[0])
    path.unlink()
    path.mkdir()
    with pytest.raises(HostKeyRejected):
        trust.check(HOME, keys[1])
    trust.check(HOME, keys[0])


def test_a_file_that_cannot_be_used_is_named_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no-folder" / "known_hosts"):
        with pytest.raises(HostKeyFileError) as caught:
            HostKeys(path, strict=False)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_that_becomes_unwritable_is_logged_and_the_key_kept(
    tmp_path: Path, keys: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "folder" / "known_hosts"
    path.parent.mkdir()
    trust = HostKeys(path, strict=False)
    path.unlink()
    path.parent.rmdir()
    trust.remember(HOME, keys[0])
    assert "can't be written" in caplog.text
    with pytest.raises(HostKeyRejected):
        trust.check(HOME, keys[1])


def test_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    HostKeys(path, strict=False)
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_key_is_trusted_by_what_the_file_says_now(
    tmp_path: Path, keys: list[bytes], lines: list[str]
) -> None:
    path = tmp_path / "known_hosts"
    trusted = HostKeys(path, strict=False)
    first, second = fingerprint(keys[0]), fingerprint(keys[1])
    assert not trusted.trusts(HOME, first)  # first use would be, but nothing was met yet
    trusted.remember(HOME, keys[0])
    assert trusted.trusts(HOME, first)
    assert not trusted.trusts(HOME, second)
    assert not trusted.trusts(ELSEWHERE, first)
    assert trusted.trusts(OTHER_PORT, first)  # as ssh has it, and as `check` does
    path.write_text(f"10.0.0.1 {lines[1]}\n")
    assert not trusted.trusts(HOME, first)
    assert trusted.trusts(HOME, second)
    path.write_text(f"10.0.0.1 {lines[1]}\n@revoked * {lines[1]}\n")
    assert not trusted.trusts(HOME, second)
    path.unlink()
    assert not trusted.trusts(HOME, second)
