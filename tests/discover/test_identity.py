import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.discover.identity import (
    CUT_OFF,
    LONGEST_NAME,
    MOST_ADDRESSES,
    MOST_CARDS,
    NO_ANSWER,
    Answer,
    parse_identity,
)
from outkept.discover.identity_script import BEGINS, ENDS, IDENTIFY_SCRIPT

SHELLS = [["dash", "-c"], ["bash", "-c"], ["busybox", "ash", "-c"], ["bash", "--posix", "-c"]]


def parsed(stdout: bytes) -> Answer:
    answer = parse_identity(stdout, "ssh-ed25519 SHA256:x", "OpenSSH_9.2p1")
    assert not isinstance(answer, str), answer
    return answer


def said(*lines: str) -> bytes:
    return b"\n".join([BEGINS, *(line.encode() for line in lines), ENDS, b""])


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_script_tells_the_truth_in_every_shell(shell: list[str]) -> None:
    done = subprocess.run([*shell, IDENTIFY_SCRIPT], capture_output=True, check=True, timeout=20)
    identity, facts = parsed(done.stdout)
    assert done.stderr == b""
    assert identity.machine_id == Path("/etc/machine-id").read_text().strip()
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert identity.boot_id == boot_id.replace("-", "")
    assert identity.hostname == socket.gethostname()
    assert facts.kernel == Path("/proc/sys/kernel/osrelease").read_text().strip()
    meminfo = Path("/proc/meminfo").read_text().split()
    assert facts.memory_bytes == int(meminfo[1]) * 1024
    assert facts.cpus
    assert facts.architecture
    assert facts.os in Path("/etc/os-release").read_text()


def test_busybox_tools_give_the_same_answer(tmp_path: Path) -> None:
    """As on Alpine: every tool on the PATH is busybox."""
    subprocess.run(["busybox", "--install", "-s", tmp_path], check=True)
    done = subprocess.run(
        [tmp_path / "sh", "-c", IDENTIFY_SCRIPT],
        env={"PATH": str(tmp_path), "SHELL": "/bin/ash"},
        capture_output=True,
        check=True,
        timeout=20,
    )
    ours = subprocess.run(["sh", "-c", IDENTIFY_SCRIPT], capture_output=True, check=True)
    identity, facts = parsed(done.stdout)
    assert (identity, replace(facts, shell="")) == (
        parsed(ours.stdout)[0],
        replace(parsed(ours.stdout)[1], shell=""),
    )
    assert facts.shell == "/bin/ash"


def test_the_script_can_be_handed_on_by_any_login_shell() -> None:
    quoted = IDENTIFY_SCRIPT.removeprefix("exec sh -c '").removesuffix("'")
    assert not set(quoted) & set("'!\n")


def test_noise_of_start_files_does_not_matter() -> None:
    noise = b"Last login: never\nmachine_id=ffffffffffffffffffffffffffffffff\n\x1b[2J"
    identity, _ = parsed(noise + said("hostname=web") + b"bye\nhostname=other\n")
    assert (identity.hostname, identity.machine_id) == ("web", "")


def test_a_server_that_repeats_our_command_has_not_answered() -> None:
    echoed = f"you asked for: {IDENTIFY_SCRIPT}\n".encode()
    assert parse_identity(echoed, "k", "v") == NO_ANSWER


@pytest.mark.parametrize("output", [b"", b"Access restricted\n", b"'exec' is not recognized\r\n"])
def test_no_marker_means_that_our_commands_do_not_run(output: bytes) -> None:
    assert parse_identity(output, "k", "v") == NO_ANSWER


def test_an_answer_without_its_end_is_not_believed() -> None:
    assert parse_identity(BEGINS + b"\nhostname=web\n", "k", "v") == CUT_OFF


@pytest.mark.parametrize(
    ("text", "machine_id"),
    [
        ("3D1219C7C4C5404AAA1F6D2A48ADFDA4", "3d1219c7c4c5404aaa1f6d2a48adfda4"),
        ("3d1219c7-c4c5-404a-aa1f-6d2a48adfda4", "3d1219c7c4c5404aaa1f6d2a48adfda4"),
        ("uninitialized", ""),
        ("0" * 32, ""),
        ("not an id", ""),
        ("3d12", ""),
    ],
)
def test_machine_ids_are_made_alike_and_garbage_is_none(text: str, machine_id: str) -> None:
    assert parsed(said(f"machine_id={text}"))[0].machine_id == machine_id


def test_cards_with_hardware_count_and_virtual_ones_do_not() -> None:
    identity, _ = parsed(
        said(
            "nic=eth1 52:54:00:AA:BB:02",
            "nic=eth0 52:54:00:aa:bb:01",
            "nic=eth2 00:00:00:00:00:00",
            "nic=eth3 ff:ff:ff:ff:ff:ff",
            "nic=ib0 80:00:02:08:fe:80:00:00:00:00:00:00",
            "vnic=docker0 02:42:00:00:00:01",
            "vnic=lo 00:00:00:00:00:00",
        )
    )
    assert identity.macs == ("52:54:00:aa:bb:01", "52:54:00:aa:bb:02")


def test_a_container_has_only_cards_without_hardware() -> None:
    identity, _ = parsed(
        said(
            "vnic=eth0 02:42:ac:11:00:02",
            "vnic=veth1 0a:00:00:00:00:01",
            "vnic=lo 00:00:00:00:00:00",
        )
    )
    assert identity.macs == ("02:42:ac:11:00:02",)


def test_addresses_come_from_ip() -> None:
    _, facts = parsed(
        said(
            "ip=2: eth0    inet 192.0.2.2/24 brd 192.0.2.255 scope global eth0",
            "ip=2: eth0    inet6 FD00::0002/64 scope global nodad",
            "ip=2: eth0    inet6 fe80::1/64 scope link",
            "ip=3: docker0    inet 172.17.0.1/16 scope global docker0",
            "ip=4: eth1    inet nonsense",
        )
    )
    assert facts.addresses == ("192.0.2.2", "fd00::2")


def test_addresses_and_cards_come_from_ifconfig_where_there_is_no_ip() -> None:
    identity, facts = parsed(
        said(
            "system=FreeBSD",
            "kernel=14.1-RELEASE",
            "memory=8589934592",
            "ifconfig=em0: flags=1008843<UP,BROADCAST> metric 0 mtu 1500",
            "ifconfig=\tether 08:00:27:9e:f5:3a",
            "ifconfig=\tinet 10.0.2.15 netmask 0xffffff00 broadcast 10.0.2.255",
            "ifconfig=\tinet6 fe80::a00:27ff%em0 prefixlen 64 scopeid 0x1",
            "ifconfig=lo0: flags=1008049<UP,LOOPBACK> metric 0 mtu 16384",
            "ifconfig=\tinet 127.0.0.1 netmask 0xff000000",
        )
    )
    assert identity.macs == ("08:00:27:9e:f5:3a",)
    assert facts.addresses == ("10.0.2.15",)
    assert facts.os == "FreeBSD 14.1-RELEASE"
    assert facts.memory_bytes == 8 << 30


def test_hostname_minus_i_is_the_last_resort() -> None:
    _, facts = parsed(said("hosts=10.1.1.1 fd00::1 "))
    assert facts.addresses == ("10.1.1.1", "fd00::1")


def test_a_hostile_answer_is_cut_and_cleaned() -> None:
    macs = [f"nic=e{n} 02:00:00:00:{n // 256:02x}:{n % 256:02x}" for n in range(1, 500)]
    ips = [f"ip=2: eth0 inet 10.0.{n // 256}.{n % 256}/8 x" for n in range(500)]
    identity, facts = parsed(
        said(
            "hostname=\x1b[31m\u202eevil\r\x07" + "x" * 5000,
            'os=PRETTY_NAME="a\tb"',
            "cpus=99999999999999999999999",
            "memory_kb=MemTotal: 99999999999999999999999999 kB",
            "memory=-5",
            *macs,
            *ips,
        )
    )
    assert identity.hostname.isprintable()
    assert len(identity.hostname) <= LONGEST_NAME
    assert len(identity.macs) == MOST_CARDS
    assert len(facts.addresses) == MOST_ADDRESSES
    assert (facts.cpus, facts.memory_bytes) == (None, None)
    assert facts.os == "a b"


@given(st.binary(max_size=2000))
def test_no_answer_breaks_the_reader(garbage: bytes) -> None:
    identity, facts = parsed(BEGINS + b"\n" + garbage + ENDS)
    texts = [identity.hostname, identity.machine_id, facts.os, facts.kernel, *identity.macs]
    assert all(text.isprintable() and len(text) <= 600 for text in texts)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "machine_id",
                    "boot_id",
                    "hostname",
                    "os",
                    "cpus",
                    "memory_kb",
                    "memory",
                    "nic",
                    "vnic",
                    "ip",
                    "ifconfig",
                    "hosts",
                    "system",
                    "shell",
                ]
            ),
            st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=60)
            | st.from_regex(r"\A(2: )?(eth0|inet|flags|[0-9a-f:.% /kB]+| )+\Z"),
        ),
        max_size=30,
    )
)
def test_no_value_breaks_the_reader(pairs: list[tuple[str, str]]) -> None:
    lines = [f"{key}={value}" for key, value in pairs]
    identity, facts = parsed(said(*lines))
    assert all(len(mac) == 17 for mac in identity.macs)
    assert facts.cpus is None or facts.cpus > 0
