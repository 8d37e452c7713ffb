"""What the verbs that look once, without a daemon, have in common."""

from pathlib import Path

from outkept.app.start import Plan, StartError
from outkept.ssh.client import Client
from outkept.ssh.errors import HostKeyFileError
from outkept.ssh.hostkeys import HostKeys


def one_shot_client(plan: Plan, *, keep: bool) -> Client:
    """A client for one look. With `keep`, host keys are those of the configuration's daemon,
    and new ones are added to them; without, they are trusted on first use and forgotten.

    A state directory that nobody has made yet is not made for a look. Raises StartError.
    """
    ssh = plan.settings.ssh
    path = _known_hosts(plan) if keep else None
    try:
        host_keys = HostKeys(path, strict=ssh.host_keys == "strict")
    except HostKeyFileError as error:
        raise StartError(str(error)) from None
    return Client(
        plan.credentials, host_keys, connect_timeout=ssh.connect_timeout, channels=ssh.channels
    )


def _known_hosts(plan: Plan) -> Path | None:
    if plan.settings.ssh.known_hosts is not None:
        return Path(plan.settings.ssh.known_hosts)
    state = Path(plan.settings.state)
    return state / "known_hosts" if state.is_dir() else None
