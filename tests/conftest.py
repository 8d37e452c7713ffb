"""Fixtures shared by all tests. Real servers come from `tests.servers`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.disk import disk_of
from tests.servers import Server, User, generate_key, running_sshd, running_user

# No property asserts on time. CI tries the same examples each time, so that what fails there
# fails for the change under test; elsewhere they are new ones at every run.
settings.register_profile(
    "unhurried",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def client_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key that logs in as `ssh_user`."""
    return generate_key(tmp_path_factory.mktemp("client") / "id_ed25519")


@pytest.fixture(scope="session")
def ssh_user(client_key: Path) -> Iterator[User]:
    """A login user of this machine, with /bin/sh; gone when the tests are over."""
    with running_user(client_key) as user:
        yield user


@pytest.fixture
def sshd(ssh_user: User) -> Iterator[Server]:
    """An sshd with MaxSessions 10, into which `ssh_user` logs in."""
    with running_sshd() as server:
        yield server


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    with disk_of(tmp_path / "small") as mount:
        yield mount
