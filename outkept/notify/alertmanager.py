"""An Alertmanager as a target, by its API v2."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import requests

from outkept.model.notice import Delivery
from outkept.notify.target import DeliveryError
from outkept.notify.text import redacted

CONNECT_S = 5.0
READ_S = 10.0
MOST_ANSWER = 2000
"""Bytes that are read of an answer that refuses."""


class Alertmanager:
    """One Alertmanager at `url`, without a slash at the end. `secret` is the password of `user`,
    or without one a bearer token. Its methods block."""

    kind = "alertmanager"

    def __init__(self, url: str, *, user: str | None = None, secret: str | None = None) -> None:
        self._url = url
        self._auth = _Login(user, secret)
        self._secret = secret or ""

    def send(self, delivery: Delivery) -> None:
        """Send a notice's alerts. Raises DeliveryError."""
        self.post(delivery.alerts)

    def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Send alerts, at most MOST_AT_ONCE of them. Raises DeliveryError."""
        try:
            with requests.post(
                f"{self._url}/api/v2/alerts",
                json=[dict(alert) for alert in alerts],
                auth=self._auth,
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
                stream=True,
            ) as answer:
                if answer.status_code != requests.codes.ok:
                    said = next(answer.iter_content(MOST_ANSWER), b"").decode("utf-8", "replace")
                    raise DeliveryError(
                        self._redacted(f"it answered {answer.status_code} {answer.reason}: {said}")
                    )
        except requests.RequestException as error:
            raise DeliveryError(self._redacted(_why(error))) from None

    def _redacted(self, text: str) -> str:
        return redacted(text, f"{self._url}/{self._secret}")


class _Login(requests.auth.AuthBase):
    """Given even without a login: otherwise requests would look for one in ~/.netrc."""

    def __init__(self, user: str | None, secret: str | None) -> None:
        self._user, self._secret = user, secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._secret is None:
            return request
        # In UTF-8: what is no Latin-1, requests can't send as a text.
        if self._user is not None:
            login = (self._user.encode(), self._secret.encode())
            requests.auth.HTTPBasicAuth(*login)(request)
        else:
            request.headers["Authorization"] = f"Bearer {self._secret}".encode().decode("latin-1")
        return request


def _why(error: requests.RequestException) -> str:
    """The innermost reason: the outer ones quote the address."""
    reason: Any = error
    seen = list[int]()
    while id(reason) not in seen:
        seen.append(id(reason))
        inner: Iterable[Any] = getattr(reason, "args", ())
        reason = next((one for one in inner if isinstance(one, Exception)), None) or getattr(
            reason, "reason", reason
        )
    if isinstance(error, requests.Timeout):
        return f"it did not answer within {READ_S:g} s"
    said = getattr(reason, "strerror", None) or str(reason)
    return said.rpartition(": ")[2].lower() if ": " in said else said.lower()
