"""From settings to a daemon that serves: everything that can fail at the start, in order."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outkept.app.daemon import running
from outkept.app.whereabouts import PAGE_FILE, URL_FILE
from outkept.config.resources import data_dir
from outkept.config.settings import DashboardSettings, Settings
from outkept.model.sensor import Sensor
from outkept.model.sweep import SweepProgress
from outkept.notify.build import TargetError
from outkept.serve.access import Access
from outkept.serve.auth import SecretError, load_secret
from outkept.serve.certificate import Certificate
from outkept.serve.errors import ListenError, ListenRefused
from outkept.serve.files import AccessFileError
from outkept.serve.http import create_app
from outkept.serve.links import link_of, link_token
from outkept.serve.place import Place
from outkept.serve.server import address_of, bind, serve
from outkept.ssh.client import Client
from outkept.ssh.errors import HostKeyFileError
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import Credentials
from outkept.store.errors import StateError, StoreError
from outkept.store.history import Retention
from outkept.store.store import Store


class StartError(Exception):
    """The daemon can't start, or its state can't be read. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a daemon is started with. `sensors` are those that aren't disabled."""

    settings: Settings
    sensors: Sequence[Sensor]
    credentials: Credentials


Progress = Callable[[], list[SweepProgress]]
"""Running sweeps and the last that ended, newest first."""

Watch = Callable[[str, Progress], Coroutine[Any, Any, None]]
"""Gets a link that signs in to the page, once that answers, and runs beside the daemon until it is
cancelled."""


_IN_THE_WAY = (
    StateError,
    StoreError,
    SecretError,
    AccessFileError,
    ListenError,
    HostKeyFileError,
    TargetError,
)


async def run(plan: Plan, watch: Watch) -> None:
    """Run the daemon until cancelled, and `watch` beside it from the moment it answers.

    Raises StartError. On leaving, connections are closed and the state is on disk.
    """
    settings = plan.settings
    state = Path(settings.state)
    try:
        store = Store.open(state, _retention(settings))
        try:
            await _serve(plan, store, state, watch)
        finally:
            await store.close()
    except _IN_THE_WAY as error:
        raise StartError(str(error)) from None


async def _serve(plan: Plan, store: Store, state: Path, watch: Watch) -> None:
    settings = plan.settings
    listen, tls = settings.dashboard.listen, settings.dashboard.tls
    certificate = Certificate(tls.certificate, tls.key) if tls.certificate and tls.key else None
    place = place_of(settings.dashboard)
    listener = bind(listen.host, listen.port, place)
    try:
        secret = load_secret(state)
        access = Access(secret, place, state=state)
        _check(access)
        url = address_of(listener, place)
        page = f"{place.origin}/" if place.origin else url
        link = link_of(page, link_token(secret))
        async with running(settings, plan.sensors, store, _client(plan, state)) as (source, hub):
            # Its routes take a tenth of a second, and the daemon is at work already.
            app = await asyncio.to_thread(create_app, source, hub, access, data_dir("dashboard"))
            (state / PAGE_FILE).write_text(page, encoding="ascii")
            (state / URL_FILE).write_text(url, encoding="ascii")
            async with asyncio.TaskGroup() as group:

                def ready() -> None:
                    group.create_task(watch(link, source.crawl.progress))

                await serve(app, listener, certificate=certificate, ready=ready)
    finally:
        listener.close()
        (state / URL_FILE).unlink(missing_ok=True)
        (state / PAGE_FILE).unlink(missing_ok=True)


def place_of(dashboard: DashboardSettings) -> Place:
    """Where the daemon listens, and how people reach it."""
    tls = dashboard.tls.certificate is not None
    return Place(dashboard.listen.host, dashboard.origin, tls, dashboard.proxy)


def _check(access: Access) -> None:
    """Raises AccessFileError or ListenError."""
    users = access.users.load()
    access.tokens.load()
    if not users and not access.place.is_private:
        raise ListenRefused(
            "other machines can reach the dashboard, and nobody can sign in; make a user with"
            " `outkept user add NAME --role admin`, or listen on 127.0.0.1 alone"
        )


def _client(plan: Plan, state: Path) -> Client:
    ssh = plan.settings.ssh
    known_hosts = Path(ssh.known_hosts) if ssh.known_hosts else state / "known_hosts"
    return Client(
        plan.credentials,
        HostKeys(known_hosts, strict=ssh.host_keys == "strict"),
        connect_timeout=ssh.connect_timeout,
        channels=ssh.channels,
    )


def _retention(settings: Settings) -> Retention:
    kept = settings.retention
    return Retention(kept.raw, kept.minutes, kept.hours)
