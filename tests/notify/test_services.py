"""Services by their URL: what apprise does with it, and what it must not say."""

import logging
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.email import NotifyEmail

from outkept.model.notice import Delivery, Urgency
from outkept.notify import services
from outkept.notify.services import Service, url_fault
from outkept.notify.target import DeliveryError
from tests.notify.receivers import mailbox, webhook
from tests.servers import free_port

TEXT = "web1 <b>is</b> at 97 % & *more*\nsecond line"


def notice(urgency: Urgency = Urgency.ALARM) -> Delivery:
    return Delivery("ops", 0.0, "k", "ALARM web1: x < y & z", TEXT, urgency)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise waits for seconds between two mails."""
    monkeypatch.setattr(NotifyEmail, "request_rate_per_sec", 0.0)


@pytest.mark.parametrize(
    ("urgency", "type_"),
    [
        (Urgency.ALARM, "failure"),
        (Urgency.WARNING, "warning"),
        (Urgency.OK, "success"),
        (Urgency.INFO, "info"),
    ],
)
def test_a_webhook_is_given_the_text_as_it_is(urgency: Urgency, type_: str) -> None:
    with webhook() as hook:
        Service(hook.url).send(notice(urgency))
    (post,) = hook.posts
    assert (post["title"], post["message"], post["type"]) == ("ALARM web1: x < y & z", TEXT, type_)
    assert hook.paths == ["/t0psecret"]


def test_a_mail_has_the_title_for_its_subject_and_the_text_escaped_where_it_is_html() -> None:
    with mailbox() as box:
        Service(box.url).send(notice())
    (mail,) = box.mails
    assert mail["subject"] == "ALARM web1: x < y & z"
    html = mail.get_body(("html",))
    plain = mail.get_body(("plain",))
    assert html is not None or plain is not None
    if html is not None:
        assert "<b>is" not in html.get_content()
    if plain is not None:
        assert "<b>is</b> at 97 %" in plain.get_content()


@pytest.mark.usefixtures("no_pause")
def test_of_several_recipients_only_those_are_tried_again_who_did_not_have_it() -> None:
    with mailbox() as box:
        service = Service(f"{box.url},boss@example.org,chat@example.org")
        box.refuses = {"boss@example.org"}
        for _ in range(3):
            with pytest.raises(DeliveryError):
                service.send(replace(notice(), id=1))
        assert sorted(box.recipients) == ["chat@example.org", "ops@example.org"]
        with pytest.raises(DeliveryError):
            service.send(replace(notice(), id=2))
        assert len(box.mails) == 4
        box.refuses.clear()
        service.send(replace(notice(), id=1))
        assert box.recipients[4:] == ["boss@example.org"]
        # A test is sent to all, each time.
        service.send(notice())
        service.send(notice())
        assert len(box.mails) == 11


@pytest.mark.usefixtures("no_pause")
def test_how_much_is_remembered_of_what_some_had_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "MOST_IN_PART", 1)
    with mailbox() as box:
        service = Service(f"{box.url},boss@example.org")
        box.refuses = {"boss@example.org"}
        for id_ in (1, 2, 2, 1):
            with pytest.raises(DeliveryError):
                service.send(replace(notice(), id=id_))
        assert len(box.mails) == 3


def test_what_is_too_long_for_a_service_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyJSON, "body_maxlen", 100)
    long = replace(notice(), body="x" * 4000)
    with webhook() as hook:
        Service(hook.url).send(long)
        Service(f"{hook.url}?overflow=upstream").send(long)
    assert [len(post["message"]) for post in hook.posts] == [100, 4000]


def test_of_a_notice_in_pieces_every_piece_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyJSON, "body_maxlen", 100)
    monkeypatch.setattr(NotifyJSON, "request_rate_per_sec", 0.0)
    with webhook() as hook:
        Service(f"{hook.url}?overflow=split").send(replace(notice(), id=1, body="x" * 400))
    assert sum(post["message"].count("x") for post in hook.posts) == 400


def test_what_went_wrong_is_told_without_a_secret_and_not_logged() -> None:
    url = f"json://me:hunter22@127.0.0.1:{free_port()}/t0psecret?x=verysecret"
    log, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(log), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with pytest.raises(DeliveryError) as refused:
            Service(url).send(notice())
        assert url_fault("slack://t0psecret")
        assert url_fault("nonsense://hunter22@x")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    said = str(refused.value)
    assert "onnection" in said
    for secret in ("hunter22", "127.0.0.1", "t0psecret", "verysecret"):
        assert secret not in said
        assert secret not in log.getvalue()


def test_an_answer_that_refuses_is_told_by_its_status() -> None:
    with webhook() as hook:
        hook.answer = 403
        with pytest.raises(DeliveryError, match="403"):
            Service(hook.url).send(notice())


@pytest.mark.parametrize("url", ["", "x", "://", "nonsense://a", "slack://a", "a://b json://c"])
def test_a_url_that_can_t_be_used_is_refused_without_quoting_it(url: str) -> None:
    assert url_fault(url)
    with pytest.raises(DeliveryError):
        Service(url).send(notice())


def test_a_file_is_no_service(tmp_path: Path) -> None:
    assert url_fault(f"file://{tmp_path}/x")
