"""Services that apprise reaches by their URL. The only importer of apprise."""

import logging
from collections.abc import Iterable

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, OverflowMode

from outkept.model.notice import Delivery, Urgency
from outkept.notify.target import DeliveryError
from outkept.notify.text import redacted, visible

# What these log holds URLs with their secrets; what went wrong is in its results.
for _name in ("apprise", "urllib3"):
    _logger = logging.getLogger(_name)
    _logger.addHandler(logging.NullHandler())
    _logger.propagate = False

_TYPES = {
    Urgency.ALARM: NotifyType.FAILURE,
    Urgency.WARNING: NotifyType.WARNING,
    Urgency.OK: NotifyType.SUCCESS,
    Urgency.INFO: NotifyType.INFO,
}


MOST_IN_PART = 1000
"""Notices of which it is remembered who of a URL's recipients had them; of the oldest ones it is
forgotten then, and a further try is sent to all."""

_Recipients = set[tuple[bool, type, str]]


class Service:
    """One URL. Its methods block, and are called by one thread at a time.

    A URL may have several recipients. Those who had a notice are spared when it is tried again for
    the others; apprise asks for it by `is_delivered`, and its services say who had it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._apprise: Apprise | None = None
        self._had: dict[int, _Recipients] = {}
        self._having: _Recipients = set()

    @property
    def kind(self) -> str:
        """The URL's scheme: all that may be shown of it."""
        return self._url.partition("://")[0].lower()

    def send(self, delivery: Delivery) -> None:
        """Send a notice. Raises DeliveryError, which holds no secret."""
        try:
            self._apprise = self._apprise or self._load()
            self._having = self._had_before(delivery.id)
            result = self._apprise.notify(
                body=delivery.body or delivery.title,
                title=delivery.title,
                notify_type=_TYPES[delivery.urgency],
                body_format=NotifyFormat.TEXT,
            )
        except DeliveryError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            raise DeliveryError(redacted(f"{type(error).__name__}: {error}", self._url)) from None
        if not result:
            said = _said(entry.message for entry in result.logs())
            raise DeliveryError(redacted(said, self._url) or "it was refused")
        self._had.pop(delivery.id, None)

    def _load(self) -> Apprise:
        apprise = _loaded(self._url)
        if apprise is None:
            raise DeliveryError("apprise doesn't know this kind of URL, or it lacks a part")
        if apprise[0].overflow_mode != OverflowMode.SPLIT:
            # Of a notice in pieces, who had one need not have had the others.
            vars(apprise[0]).update(is_delivered=self._is_delivered, mark_delivered=self._mark)
        return apprise

    def _had_before(self, id_: int) -> _Recipients:
        """Who had a notice; what has no id is never tried again."""
        if not id_:
            return set()
        if id_ not in self._had and len(self._had) >= MOST_IN_PART:
            del self._had[min(self._had)]
        return self._had.setdefault(id_, set())

    def _is_delivered(self, key: object, per_message: bool = False) -> bool:
        return (per_message, type(key), repr(key)) in self._having

    def _mark(self, key: object, per_message: bool = False) -> None:
        self._having.add((per_message, type(key), repr(key)))


def url_fault(url: str) -> str:
    """Why apprise can't use a URL, without quoting it; empty when it can. Blocks for some tenths
    of a second."""
    if "://" not in url:
        return "it is not a URL"
    if _loaded(url) is None:
        kind = visible(url.partition("://")[0])[:40]
        return f"apprise doesn't know how to use this {kind}:// URL"
    return ""


def _loaded(url: str) -> Apprise | None:
    # The deadline is ours: without one of its own, apprise sends in the calling thread.
    asset = AppriseAsset(
        app_id="Outkept",
        app_desc="Outkept",
        app_url="",
        async_mode=False,
        allow_templates=False,
        secure_logging=True,
        service_timeout=0,
    )
    apprise = Apprise(asset=asset)
    if not apprise.add(url) or len(apprise) != 1:
        return None
    if "overflow=" not in url.lower():
        # Apprise would send what a service refuses for its length, again and again.
        apprise[0].overflow_mode = OverflowMode.TRUNCATE
    return apprise


def _said(messages: Iterable[str]) -> str:
    lines = (str(message).strip().splitlines()[:1] for message in messages)
    return "; ".join(dict.fromkeys(line[0].rstrip(". ") for line in lines if line))
