"""What is posted to an Alertmanager, and what is said when it is refused."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from outkept.model.notice import Delivery, Urgency
from outkept.notify.alertmanager import Alertmanager
from outkept.notify.target import DeliveryError
from tests.notify.receivers import Webhook, webhook
from tests.servers import free_port

NOTICE = Delivery("am", 0.0, "k", "t", "b", Urgency.ALARM, (1,), ({"labels": {"a": "b"}},))


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as found:
        yield found


@pytest.mark.parametrize(
    ("user", "secret", "expected"),
    [
        (None, None, None),
        (None, "t0ken", "Bearer t0ken"),
        ("me", "pass", "Basic " + base64.b64encode(b"me:pass").decode()),
        (None, "tök€n", "Bearer " + "tök€n".encode().decode("latin-1")),
        ("mé", "p€", "Basic " + base64.b64encode("mé:p€".encode()).decode()),
    ],
)
def test_alerts_are_posted_with_the_login_that_is_configured_and_no_other(
    hook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    user: str | None,
    secret: str | None,
    expected: str | None,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login you password yours\n")
    monkeypatch.setenv("NETRC", str(netrc))
    url = f"http://127.0.0.1:{hook.port}/prefix"
    Alertmanager(url, user=user, secret=secret).send(NOTICE)
    assert hook.paths == ["/prefix/api/v2/alerts"]
    (posted,) = hook.posts
    assert list(posted) == [{"labels": {"a": "b"}}]
    assert hook.headers[0].get("Authorization") == expected


@pytest.mark.parametrize("answer", [400, 500, 302])
def test_a_refusal_says_its_status(hook: Webhook, answer: int) -> None:
    hook.answer = answer
    with pytest.raises(DeliveryError, match=f"it answered {answer}"):
        Alertmanager(f"http://127.0.0.1:{hook.port}").send(NOTICE)
    assert hook.taken == 1


def test_nothing_secret_is_in_what_went_wrong() -> None:
    target = Alertmanager(f"http://127.0.0.1:{free_port()}/t0psecret", user="me", secret="hunter22")
    with pytest.raises(DeliveryError) as refused:
        target.send(NOTICE)
    said = str(refused.value)
    assert "refused" in said
    for secret in ("127.0.0.1", "t0psecret", "hunter22"):
        assert secret not in said
