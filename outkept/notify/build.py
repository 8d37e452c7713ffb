"""From the configuration to targets, and what is wrong with it that only shows in use."""

from collections.abc import Iterator

from pydantic import SecretStr

from outkept.config.notify import NotifySettings, TargetSettings, read_secret
from outkept.notify.alertmanager import Alertmanager
from outkept.notify.services import Service, url_fault
from outkept.notify.target import Target
from outkept.notify.templates import template_fault


class TargetError(Exception):
    """A target can't be made: a file with its secret can't be read. One line."""


def target_of(settings: TargetSettings) -> Target:
    """The target; its files are read. Raises TargetError."""
    try:
        if settings.alertmanager is not None:
            secret = _secret(settings.password, settings.password_file) or _secret(
                settings.token, settings.token_file
            )
            return Alertmanager(settings.alertmanager, user=settings.user, secret=secret)
        return Service(_secret(settings.url, settings.url_file) or "")
    except ValueError as error:
        raise TargetError(str(error)) from None


def faults(settings: NotifySettings) -> Iterator[tuple[str, str, str]]:
    """What would go wrong later: the key's path, what is wrong, how to mend it. Blocks."""
    for name, target in settings.targets.items():
        yield from _target_faults(f"notify.targets.{name}", target)
    for key, source in (("title", settings.templates.title), ("body", settings.templates.body)):
        fault = None if source is None else template_fault(source)
        if fault is not None:
            line, what = fault
            yield f"notify.templates.{key}", f"line {line}: {what}", "see docs/notices.md"


def _target_faults(path: str, target: TargetSettings) -> Iterator[tuple[str, str, str]]:
    for key in ("url_file", "password_file", "token_file"):
        file = getattr(target, key)
        if file is not None:
            try:
                read_secret(file)
            except ValueError as error:
                yield f"{path}.{key}", str(error), "name a file whose first line is the secret"
                return
    if target.alertmanager is None:
        key = "url" if target.url is not None else "url_file"
        fault = url_fault(_secret(target.url, target.url_file) or "")
        if fault:
            yield (
                f"{path}.{key}",
                fault,
                "see https://appriseit.com for how each service's is written",
            )


def _secret(given: SecretStr | None, file: object) -> str | None:
    if given is not None:
        return given.get_secret_value()
    return read_secret(str(file)) if file is not None else None
