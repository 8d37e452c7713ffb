"""A server's page over the real daemon and a real sshd: what it shows is what was measured."""

import itertools
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

from outkept.app.daemon import running
from outkept.app.source import DaemonSource
from outkept.ssh.client import Client
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import load_credentials
from outkept.store.store import Store
from tests.app.harness import Site, until
from tests.browser.conftest import Visitor
from tests.serve.fleet import Fleet
from tests.servers import User, machine
from tests.views import summaries

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW = [f"slow{number}" for number in range(4)]
READ = ("ids", "summary", "server", "stats", "sweeps", "events", "actions", "history")
_numbers = itertools.count(os.getpid())


@pytest.fixture
def site(tmp_path: Path, ssh_user: User) -> Site:
    number = next(_numbers)
    return Site(tmp_path / "site", ssh_user, f"127.{93 + number // 250 % 30}.{number % 250}.0/28")


@asynccontextmanager
async def daemon_of(site: Site) -> AsyncIterator[DaemonSource]:
    """The daemon at work on the site's servers."""
    loaded = site.loaded()
    settings = loaded.settings
    assert settings is not None
    keys, problems = load_credentials(loaded.key_paths(), agent=False, passphrase=lambda path: None)
    assert not problems, problems
    client = Client(
        keys, HostKeys(None, strict=False), connect_timeout=20, channels=None, keepalive=5
    )
    store = Store.open(Path(settings.state))
    try:
        async with running(settings, loaded.sensors, store, client) as (source, _):
            yield source
    finally:
        await store.close()


def window(source: DaemonSource) -> Fleet:
    """A fleet that says what the daemon knows."""
    fleet = Fleet()
    for name in READ:
        setattr(fleet, name, getattr(source, name))
    return fleet


async def test_a_queued_up_server_shows_what_was_measured(visit: Visitor, site: Site) -> None:
    site.sensor("load", "echo 2.5", parse="number", every="500ms", warning=2, alarm=4)
    for name in SLOW:
        site.sensor(name, "sleep 0.5; echo 1", parse="number", every="500ms")
    site.sensor("never", "echo 1", parse="number", verifier="echo no")
    with machine("web1", addresses=[site.address(1)], port=site.port, max_sessions=1):
        async with daemon_of(site) as source:
            await until(
                lambda: any(
                    one["queued_up"] and len(one["sensors"]) == 5 for one in summaries(source)
                ),
                "it is found and queued up",
            )
            (found,) = summaries(source)
            opened = await visit(window(source), f"#/server/{found['id']}")
            page = opened.page
            await expect(page.get_by_role("heading", name="web1", level=1)).to_be_visible()
            told = page.locator(".prominent")
            await expect(told.get_by_role("heading", name="Queued up")).to_be_visible()
            await expect(told.locator(".cures")).to_contain_text("set MaxSessions to")
            await expect(told.locator(".use").first).to_contain_text(re.compile(r"slow\d"))
            connection = page.get_by_role("region", name="Connection")
            await expect(connection).to_contain_text(re.compile(r"Round trip[\d.]+ (µs|ms)"))
            await expect(connection).to_contain_text("1 of 1 busy")
            load = page.locator(".sensor").filter(has=page.get_by_role("heading", name="load"))
            await expect(load).to_contain_text("Warned")
            await expect(load.locator(".chart-readout")).to_contain_text("Always 2.5")
            await expect(load).to_contain_text("every 500 ms")
            await expect(page.locator(".sensor-group summary")).to_have_text("Sensors5")
            await page.get_by_role("heading", name="Sensors that don't apply").click()
            await expect(page.locator(".unsupported")).to_contain_text("never")
            await opened.assert_no_complaints()
