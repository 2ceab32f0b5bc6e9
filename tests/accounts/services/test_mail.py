"""Mailing notices through a real mail server: once each, in the reader's language, and never twice."""

from __future__ import annotations

import email
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.core import mail as outbox
from django.test import Client, TestCase

from accounts.domain.notices import DELAYS, KINDS, encoded
from accounts.models import Invitation, MailPreference, Notice, User
from accounts.services import invitation_mail, invitations, mail, stewarding
from accounts.services.notices import mark_read, notify
from accounts.wording.notices import SENTENCES
from common import clock
from tests import factories
from tests.live import free_port
from tests.races import at_once

MOMENT = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)
DUE = MOMENT + timedelta(minutes=1)


class Postman:
    """What a mail server does with a mail: keeps it, or answers as the test says."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.answer = "250 kept"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.got.append(email.message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return self.answer


@pytest.fixture
def postman(settings: Any) -> Iterator[Postman]:
    """A mail server of this test's own, reached by SMTP."""
    postman = Postman()
    host, port = "127.0.0.1", free_port()
    server = Controller(postman, hostname=host, port=port)
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = host, port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield postman
    server.stop()


def tell(*users: User, number: int = 1, project: str = "Atlas") -> None:
    notify(
        users=users, kind="slot_starting", url="/reservations/1/", dedupe=f"slot:{number}", at=MOMENT,
        params={
            "project": project, "devices": "2 × H100", "start_at": datetime(2026, 11, 24, 13, tzinfo=UTC),
            "end_at": datetime(2026, 11, 24, 19, tzinfo=UTC),
        },
    )  # fmt: skip


def person(name: str, **fields: Any) -> User:
    return User.objects.create_user(f"{name}@example.org", "correct horse battery", name=name, **fields)


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_what_is_due_is_mailed_and_marked(ada: User, postman: Postman) -> None:
    tell(ada)
    assert mail.send_due(at=MOMENT) == 0  # it has not settled yet
    assert mail.send_due(at=DUE) == 1
    notice, (message,) = Notice.objects.get(), postman.got
    assert (notice.mail, notice.mailed_at) == ("sent", DUE)
    assert message["To"] == ada.email
    assert message["Subject"] == "Atlas: your slot begins at 14:00"  # in her time zone, Paris
    assert message["Message-ID"] == f"<notice-{notice.uid}@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert mail.send_due(at=DUE + timedelta(days=1)) == 0


def test_both_parts_say_the_same_and_lead_to_the_site(ada: User, postman: Postman) -> None:
    tell(ada)
    mail.send_due(at=DUE)
    for kind in ("plain", "html"):
        shown = part(postman.got[0], kind)
        assert "What you have queued for this slot starts by itself." in shown
        assert "http://localhost:8000/reservations/1/" in shown
        assert str(SENTENCES["slot_starting"]) in shown


def test_a_mail_shows_nothing_from_elsewhere(ada: User, postman: Postman) -> None:
    tell(ada)
    mail.send_due(at=DUE)
    html = part(postman.got[0], "html")
    assert not re.search(r"<img|<link|<script|url\(|@import|srcset", html)
    assert "prefers-color-scheme: dark" in html


def test_a_mail_is_in_the_readers_language(postman: Postman, db: None) -> None:
    tell(person("ines", language="fr", time_zone="Asia/Tokyo"))
    mail.send_due(at=DUE)
    assert 'lang="fr"' in part(postman.got[0], "html")
    assert "22:00" in postman.got[0]["Subject"]


def test_a_name_brings_neither_a_header_nor_markup_into_a_mail(ada: User, postman: Postman) -> None:
    tell(ada, project="Atlas\r\nBcc: mallory@example.org\r\n\r\n<b>{{ user }}</b>{% now 'Y' %}")
    mail.send_due(at=DUE)
    (message,) = postman.got
    assert message["Bcc"] is None
    assert message["Subject"].startswith("Atlas Bcc: mallory@example.org <b>{{ user }}</b>{% now 'Y' %}")
    assert "<b>" not in part(message, "html")
    assert "&lt;b&gt;" in part(message, "html")
    assert "{{ user }}" in part(message, "plain")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_kind_has_its_texts(ada: User, kind: str, language: str) -> None:
    """Whatever the facts, a title of one line and a body, with nothing left unfilled."""
    ada.language = language
    for value in (None, "lead", "granted", "verified", "accepted"):
        params = {name: _fact(name, value) for name in KINDS[kind].params}
        notice = Notice(user=ada, kind=kind, params=encoded(kind, params), url="/start/")
        message = mail.message_of(notice)
        assert message.subject
        assert "\n" not in message.subject
        assert "None" not in message.subject + message.body
    assert set(KINDS) == set(SENTENCES)


def _fact(name: str, value: str | None) -> object:
    if name.endswith("_at"):
        return MOMENT
    if name.endswith(("_eur", "_hours", "_ratio")):
        return "0.8"
    return 3 if name in ("job", "version", "exit_code", "shares") else value or "Atlas"


def test_a_server_that_is_away_is_tried_again_later_and_later_then_given_up(ada: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nobody listens there
    tell(ada)
    at = DUE
    for delay in DELAYS:
        assert mail.send_due(at=at) == 0
        notice = Notice.objects.get()
        assert (notice.mail, notice.mail_due_at) == ("waiting", at + delay)
        assert mail.send_due(at=at) == 0  # not due again yet
        at += delay
    mail.send_due(at=at)
    notice.refresh_from_db()
    assert (notice.mail, notice.mail_attempts) == ("failed", len(DELAYS) + 1)


def test_while_the_server_is_away_one_try_is_enough_for_a_sweep(ada: User, lena: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    tell(ada, lena)
    mail.send_due(at=DUE)
    assert sorted(Notice.objects.values_list("mail_attempts", flat=True)) == [0, 1]


def test_a_refused_mail_waits_and_does_not_keep_others_from_going_out(
    ada: User, lena: User, postman: Postman
) -> None:
    tell(ada)
    postman.answer = "451 come back later"
    mail.send_due(at=DUE)
    assert Notice.objects.get().mail == "waiting"
    postman.answer = "250 kept"
    tell(lena)
    assert mail.send_due(at=DUE) == 1
    assert mail.send_due(at=DUE + DELAYS[0]) == 1
    assert sorted(message["To"] for message in postman.got) == [ada.email, lena.email]


def test_a_mail_that_perhaps_went_out_is_not_sent_again(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection breaks before the server's answer: nobody knows."""

    def breaks(*_args: object) -> None:
        raise TimeoutError

    tell(ada)
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", breaks)
    assert mail.send_due(at=DUE) == 0
    monkeypatch.undo()
    assert mail.send_due(at=DUE + timedelta(days=1)) == 0
    assert Notice.objects.get().mail == "sending"


def test_a_worker_that_dies_after_its_claim_leaves_a_mail_that_nobody_sends_again(
    ada: User, postman: Postman
) -> None:
    tell(ada)
    assert mail.claim(at=DUE) is not None  # and here it is killed
    assert mail.send_due(at=DUE + timedelta(days=1)) == 0
    assert (Notice.objects.get().mail, postman.got) == ("sending", [])


@pytest.mark.django_db(transaction=True)
def test_senders_at_once_send_each_mail_once(postman: Postman) -> None:
    people = [person(f"person{number}") for number in range(6)]
    tell(*people)
    answers = at_once(*[partial(mail.send_due, at=DUE)] * 4)
    assert sum(answers) == len(people)
    assert sorted(message["To"] for message in postman.got) == [user.email for user in people]
    assert set(Notice.objects.values_list("mail", flat=True)) == {"sent"}


# --- invitations go the same way, also to who has no account ---
def invite(by: User, email: str = "nobody-here@example.net", at: datetime = MOMENT) -> Invitation:
    project = factories.make_project(lead=by, name="Atlas")
    return invitations.invite(to=project, email=email, role="member", by=by, at=at)[0]


def test_an_invitation_is_mailed_to_an_address_that_nobody_here_has(ada: User, postman: Postman) -> None:
    invitation = invite(ada)
    assert postman.got == []  # not while its page is waited for
    assert mail.send_due(at=MOMENT) == 1
    (message,) = postman.got
    invitation.refresh_from_db()
    assert (invitation.mail, invitation.mailed_at) == ("sent", MOMENT)
    assert message["To"] == "nobody-here@example.net"
    assert message["Message-ID"] == f"<invitation-{invitation.uid}@localhost>"
    assert message["List-Unsubscribe"] is None  # who has no account has nothing to unsubscribe from
    link = re.search(r"http://localhost:8000/invitations/([\w-]{43})/", part(message, "plain"))
    assert link is not None
    assert invitations.by_link(link[1]).get() == invitation
    assert mail.send_due(at=MOMENT + timedelta(days=1)) == 0


def test_a_mail_server_that_hangs_keeps_nobody_waiting_for_the_page(
    client: Client, ada: User, settings: Any
) -> None:
    """It takes the connection and never says a word."""
    project = factories.make_project(lead=ada)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        settings.EMAIL_TIMEOUT = 0.2
        client.force_login(ada)
        with TestCase.captureOnCommitCallbacks(execute=True):
            answer = client.post(
                f"/projects/{project.slug}/members/invite/", {"email": "x@example.net", "role": "member"}
            )
        assert answer.status_code == 302
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()  # nobody has called it
        assert mail.send_due(at=clock.now()) == 0
    assert Invitation.objects.get().mail == "waiting"


def test_an_invitation_is_tried_again_and_its_link_stays_the_same(ada: User, postman: Postman) -> None:
    invitation = invite(ada)
    postman.answer = "451 come back later"
    assert mail.send_due(at=MOMENT) == 0
    postman.answer = "250 kept"
    assert mail.send_due(at=MOMENT + DELAYS[0]) == 1
    assert f"/invitations/{invitation_mail.secret_of(invitation)}/" in part(postman.got[0], "plain")


def test_an_invitation_that_perhaps_went_out_is_not_sent_again(ada: User, postman: Postman) -> None:
    invite(ada)
    assert mail.claim(at=MOMENT) is not None  # and here the worker is killed
    assert mail.send_due(at=MOMENT + timedelta(days=1)) == 0
    assert (Invitation.objects.get().mail, postman.got) == ("sending", [])


@pytest.mark.django_db(transaction=True)
def test_senders_at_once_send_each_invitation_once(postman: Postman) -> None:
    lead = person("lead")
    wanted = [f"guest{number}@example.net" for number in range(6)]
    for address in wanted:
        invite(lead, address)
    assert sum(at_once(*[partial(mail.send_due, at=MOMENT)] * 4)) == len(wanted)
    assert sorted(message["To"] for message in postman.got) == wanted


@pytest.mark.parametrize("ended", ["accepted", "withdrawn", "expired"])
def test_an_invitation_that_is_over_is_not_mailed(ada: User, postman: Postman, ended: str) -> None:
    invitation = invite(ada)
    if ended == "accepted":
        Invitation.objects.update(accepted_at=MOMENT)
    elif ended == "withdrawn":
        invitations.revoke(invitation=invitation, by=ada, at=MOMENT)
    at = invitation.expires_at if ended == "expired" else MOMENT
    assert mail.send_due(at=at) == 0
    assert (Invitation.objects.get().mail, postman.got) == ("none", [])


def test_stewards_let_invitations_that_were_given_up_be_tried_again(ada: User, postman: Postman) -> None:
    invite(ada)
    Invitation.objects.update(mail="failed", mail_attempts=6)
    assert stewarding.try_mail_again(by=ada, at=MOMENT) == 1
    assert mail.send_due(at=MOMENT) == 1


def test_what_was_given_up_and_is_over_is_nobodys_trouble_any_more(ada: User, postman: Postman) -> None:
    invitation = invite(ada)
    Invitation.objects.update(mail="failed", mail_attempts=6)
    invitations.revoke(invitation=invitation, by=ada, at=MOMENT)
    assert stewarding.try_mail_again(by=ada, at=MOMENT) == 0
    assert Invitation.objects.get().mail == "none"


def test_what_was_read_on_the_site_is_not_mailed(ada: User) -> None:
    tell(ada)
    mark_read(notice=Notice.objects.get(), at=MOMENT)
    assert mail.send_due(at=DUE) == 0


def test_an_account_closed_meanwhile_is_not_mailed(ada: User) -> None:
    tell(ada)
    User.objects.update(is_active=False)
    assert mail.send_due(at=DUE) == 0
    assert Notice.objects.get().mail == "none"


def unsubscribe_path(message: Any) -> str:
    return re.fullmatch(r"<http://localhost:8000(/\S+)>", message.extra_headers["List-Unsubscribe"])[1]  # type: ignore[index]


def test_one_click_ends_mail_of_that_kind_without_signing_in(ada: User) -> None:
    tell(ada, number=1)
    mail.send_due(at=DUE)
    (message,) = outbox.outbox
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = unsubscribe_path(message)
    tell(ada, number=2)
    stranger = Client(enforce_csrf_checks=True)  # as a mail program has neither cookie nor token
    assert stranger.get(path).status_code == 200
    assert not MailPreference.objects.exists()  # looking changes nothing
    assert stranger.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert MailPreference.objects.get().by_mail is False
    assert mail.send_due(at=DUE + timedelta(hours=1)) == 0  # nor is what waited
    tell(ada, number=3)
    assert Notice.objects.filter(mail="none").count() == 2


@pytest.mark.parametrize("token", ["x", "WyJ4IiwiaiJd:1", "a:b:c"])
def test_a_made_up_link_ends_nothing(client: Client, db: None, token: str) -> None:
    assert client.post(f"/notices/unsubscribe/{token}/").status_code == 404
