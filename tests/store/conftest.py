"""An open store for each test, in a directory of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from outkept.store import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "state")
    yield opened
    await opened.close()
