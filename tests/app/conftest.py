"""Sites for tests: each has a loopback subnet of its own."""

import itertools
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from outkept.app import admission, steps
from outkept.store.store import Store
from tests.app.harness import Site
from tests.servers import User

_numbers = itertools.count(os.getpid())


@pytest.fixture
def yard(ssh_user: User) -> Path:
    """A folder in which the servers' user may read and write. It goes with the user."""
    folder = Path(tempfile.mkdtemp(dir=ssh_user.home))
    folder.chmod(0o777)
    return folder


@pytest.fixture
def site(tmp_path: Path, ssh_user: User) -> Site:
    """A site without servers, sensors and state."""
    number = next(_numbers)
    return Site(tmp_path / "site", ssh_user, f"127.{61 + number // 250 % 30}.{number % 250}.0/28")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held reactions are asked about again, and sensors read again, within the tick of a test."""
    monkeypatch.setattr(admission, "ASK_AGAIN_S", 0.05)
    monkeypatch.setattr(steps, "LEAST_BETWEEN_S", 0.02)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open store."""
    opened = Store.open(tmp_path / "store")
    yield opened
    await opened.close()
