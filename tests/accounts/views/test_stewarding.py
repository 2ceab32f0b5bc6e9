"""What stewards do to accounts and tell everybody: theirs alone, with a second factor, written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.errors import StewardActRefused
from accounts.models import Announcement, ApiToken, Notice, Organisation, StewardAct, User
from accounts.services import announcements, stewarding
from common import clock
from tests import factories


@pytest.fixture
def stella(db: None) -> User:
    """Stella is a steward who signs in with two things."""
    return factories.give_second_factor(factories.make_user("stella", is_steward=True))


def page_of(user: User) -> str:
    return f"/steward/people/{user.uid}/"


def announcement(by: User, **changes: Any) -> Announcement:
    now = clock.now()
    fields: dict[str, Any] = {
        "text_en": "The network is renewed.", "text_fr": "Le réseau est renouvelé.", "level": "warning",
        "since": now, "until": now + timedelta(hours=2), "at": now,
    }  # fmt: skip
    return announcements.announce(by=by, **fields | changes)


PAGES = ["/steward/", "/steward/people/", "/steward/announcements/"]


@pytest.mark.parametrize("address", PAGES)
def test_pages_of_stewards_are_theirs_alone(client: Client, ada: User, stella: User, address: str) -> None:
    assert client.get(address).url.startswith("/accounts/login/")  # type: ignore[attr-defined]
    client.force_login(ada)
    assert client.get(address).status_code == 404
    client.force_login(stella)
    assert client.get(address).status_code == 200


def test_who_lacks_a_second_factor_is_told_before_a_form_is_filled_in(client: Client, ada: User) -> None:
    sofia = factories.make_user("sofia", is_steward=True)
    client.force_login(sofia)
    told = "act once you have a second factor"
    for address in [*PAGES, "/steward/applications/", "/steward/organisations/", page_of(ada)]:
        assert told in client.get(address).content.decode()
    assert told not in client.get("/prices/").content.decode()
    factories.give_second_factor(sofia)
    assert told not in client.get(page_of(ada)).content.decode()


def writes(whom: User, told: Announcement) -> list[tuple[str, dict[str, str]]]:
    return [
        (page_of(whom), {"act": "close", "reason": "Asked to"}),
        (page_of(whom), {"act": "end_sessions", "reason": "Asked to"}),
        ("/steward/announcements/", {"text_en": "x", "text_fr": "x", "level": "info"}),
        (f"/steward/announcements/{told.uid}/end/", {}),
        ("/steward/mail/again/", {}),
    ]


def test_nobody_else_acts(client: Client, ada: User, lena: User, stella: User) -> None:
    told = announcement(stella)
    acts = StewardAct.objects.count()
    for address, form in writes(lena, told):
        assert client.post(address, form).url.startswith("/accounts/login/")  # type: ignore[attr-defined]
    client.force_login(ada)
    for address, form in writes(lena, told):
        assert client.post(address, form).status_code == 404
    assert StewardAct.objects.count() == acts
    lena.refresh_from_db()
    assert lena.is_active


def test_a_steward_without_a_second_factor_looks_and_does_nothing(
    client: Client, lena: User, stella: User
) -> None:
    told = announcement(stella)
    acts = StewardAct.objects.count()
    client.force_login(factories.make_user("stefan", is_steward=True))
    assert client.get(page_of(lena)).status_code == 200
    for address, form in writes(lena, told):
        answer = client.post(address, form)
        assert answer.status_code == 403
        assert "second factor" in answer.content.decode()
    assert StewardAct.objects.count() == acts


def test_people_are_found_by_part_of_a_name_or_an_address(client: Client, ada: User, stella: User) -> None:
    client.force_login(stella)
    for asked in ("Ad", "ada@ex", "DA@"):
        html = client.get("/steward/people/", {"q": asked}).content.decode()
        assert "ada@example.org" in html
    html = client.get("/steward/people/", {"q": "%"}).content.decode()
    assert "ada@example.org" not in html  # a letter like any other


def test_a_search_shows_what_was_asked_as_text(client: Client, stella: User) -> None:
    client.force_login(stella)
    html = client.get("/steward/people/", {"q": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in html


def test_a_page_of_a_person_tells_what_they_belong_to(
    client: Client, ada: User, stella: User, django_assert_max_num_queries: Any
) -> None:
    for _number in range(4):
        factories.make_project(ada)
        factories.make_organisation(lead=ada)
    client.force_login(stella)
    client.get("/accessibility/")  # what every page reads once
    with django_assert_max_num_queries(8):
        html = client.get(page_of(ada)).content.decode()
    assert "ada@example.org" in html
    for group in [*ada.projects.all(), *ada.organisations.all()]:
        assert group.name in html


def test_lists_of_people_take_few_queries(
    client: Client, ada: User, stella: User, django_assert_max_num_queries: Any
) -> None:
    client.force_login(stella)
    client.get("/accessibility/")
    for address in ("/steward/people/", "/steward/people/?q=a", "/steward/announcements/"):
        with django_assert_max_num_queries(8):
            client.get(address)


def test_closing_ends_sessions_tokens_and_mail_and_is_written_down(
    client: Client, ada: User, stella: User
) -> None:
    visitor = Client()
    visitor.force_login(ada)
    visitor.get("/me/")
    UserSession.objects.get_or_create(
        user=ada, session_key=visitor.session.session_key, defaults={"ip": "192.0.2.7", "user_agent": "x"}
    )
    now = clock.now()
    token = ApiToken.objects.create(
        user=ada, name="laptop", scopes=["read"], hint="eqn_", token_hash="x", created_at=now,
        expires_at=now + timedelta(days=1),
    )  # fmt: skip
    Notice.objects.create(
        user=ada, kind="job_lost", dedupe="1", created_at=now, mail_due_at=now, mail="waiting"
    )
    client.force_login(stella)
    answer = client.post(page_of(ada), {"act": "close", "reason": "Shares the password"}, follow=True)
    assert "Shares the password" in answer.content.decode()
    ada.refresh_from_db()
    token.refresh_from_db()
    assert (ada.is_active, token.revoked_at is not None, Notice.objects.get().mail) == (False, True, "none")
    assert visitor.get("/me/").status_code == 302
    act = StewardAct.objects.get()
    assert (act.act, act.steward, act.person, act.reason) == ("closed", stella, ada, "Shares the password")
    client.post(page_of(ada), {"act": "reopen", "reason": "Promised not to"})
    ada.refresh_from_db()
    assert ada.is_active
    token.refresh_from_db()
    assert token.revoked_at is not None


@pytest.mark.parametrize(
    ("act", "reason"), [("close", ""), ("close", "   "), ("dance", "x"), ("close", "x" * 501)]
)
def test_an_act_needs_to_be_one_and_a_reason(
    client: Client, ada: User, stella: User, act: str, reason: str
) -> None:
    client.force_login(stella)
    assert client.post(page_of(ada), {"act": act, "reason": reason}).status_code == 400
    assert not StewardAct.objects.exists()


def test_what_cannot_be_done_is_said(client: Client, ada: User, stella: User) -> None:
    client.force_login(stella)
    for whom, act in ((stella, "close"), (ada, "reopen"), (ada, "end_sessions")):
        answer = client.post(page_of(whom), {"act": act, "reason": "x"})
        assert answer.status_code == 409
        assert 'role="alert"' in answer.content.decode()
    stewarding.close_person(person=ada, reason="x", by=stella, at=clock.now())
    with pytest.raises(StewardActRefused):
        stewarding.close_person(person=ada, reason="x", by=stella, at=clock.now())


def test_a_person_who_has_left_is_not_let_in_again(ada: User, stella: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False, erased_at=clock.now())
    with pytest.raises(StewardActRefused, match="left for good"):
        stewarding.reopen_person(person=ada, reason="x", by=stella, at=clock.now())


def test_what_was_done_can_neither_be_changed_nor_deleted(ada: User, stella: User) -> None:
    stewarding.close_person(person=ada, reason="x", by=stella, at=clock.now())
    for change in (lambda: StewardAct.objects.update(reason="y"), lambda: StewardAct.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_an_announcement_is_on_every_page_in_the_readers_language(client: Client, stella: User) -> None:
    announcement(stella)
    cache.clear()
    assert "The network is renewed." in client.get("/accessibility/").content.decode()
    assert (
        "Le réseau est renouvelé."
        in client.get("/accessibility/", headers={"accept-language": "fr"}).content.decode()
    )
    api = client.get("/api/v1/announcements", headers={"accept-language": "fr"}).json()
    assert [one["text"] for one in api["items"]] == ["Le réseau est renouvelé."]


def test_writing_one_shows_it_at_once_and_ending_it_hides_it(
    client: Client, stella: User, django_capture_on_commit_callbacks: Any
) -> None:
    client.force_login(stella)
    assert "The network" not in client.get("/accessibility/").content.decode()  # cached now
    now = clock.now()
    form = {
        "text_en": "The network is <b>renewed</b>.", "text_fr": "Le réseau est renouvelé.", "level": "info",
        # At noon: an hour that clocks skip or show twice would be asked about.
        "since": (now - timedelta(days=2)).strftime("%Y-%m-%dT12:00"),
        "until": (now + timedelta(days=2)).strftime("%Y-%m-%dT12:00"),
    }  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/steward/announcements/", form).status_code == 302
    html = client.get("/accessibility/").content.decode()
    assert "The network is &lt;b&gt;renewed" in html
    told = Announcement.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/steward/announcements/{told.uid}/end/")
    assert "The network" not in client.get("/accessibility/").content.decode()
    assert list(StewardAct.objects.values_list("act", flat=True)) == ["announcement_ended", "announced"]


def test_an_announcement_is_shown_in_its_time_only(client: Client, stella: User) -> None:
    now = clock.now()
    announcement(stella, since=now + timedelta(hours=1), until=now + timedelta(hours=2))
    assert "The network" not in client.get("/accessibility/").content.decode()
    announcements.end_now(announcement=Announcement.objects.get(), by=stella, at=now)
    assert not Announcement.objects.exists()  # nobody has seen it


@pytest.mark.parametrize(
    "changes",
    [
        {"until": clock.now() - timedelta(days=1)},
        {"since": clock.now() + timedelta(days=2), "until": clock.now() + timedelta(days=1)},
        {"text_fr": "  "},
    ],
)
def test_an_announcement_that_nobody_could_read_is_refused(stella: User, changes: dict[str, Any]) -> None:
    with pytest.raises(StewardActRefused):
        announcement(stella, **changes)


def test_no_more_than_three_at_a_time(stella: User) -> None:
    for _number in range(announcements.MOST):
        announcement(stella)
    with pytest.raises(StewardActRefused, match="3 announcements"):
        announcement(stella)


def test_what_is_over_is_not_ended_again(client: Client, stella: User) -> None:
    told = announcement(stella)
    client.force_login(stella)
    for _twice in range(2):
        assert client.post(f"/steward/announcements/{told.uid}/end/").status_code == 302
    assert StewardAct.objects.filter(act="announcement_ended").count() == 1


def test_mail_that_was_given_up_is_tried_again_and_no_other(client: Client, ada: User, stella: User) -> None:
    now = clock.now()
    for state in ("failed", "sending", "sent", "none"):
        Notice.objects.create(
            user=ada, kind="job_lost", dedupe=state, created_at=now, mail_due_at=now, mail=state,
            mail_attempts=6,
        )  # fmt: skip
    client.force_login(stella)
    client.post("/steward/mail/again/")
    again = Notice.objects.get(mail="waiting")
    assert (again.dedupe, again.mail_attempts) == ("failed", 0)
    assert Notice.objects.filter(mail="sending").count() == 1


@pytest.mark.parametrize("reason", ["Asked to\r\nBcc: eve@example.org", "Asked\u202eto", "Asked\u2028to"])
def test_a_reason_is_one_line_for_a_program_as_on_the_page(
    client: Client, ada: User, stella: User, reason: str
) -> None:
    lab = factories.make_organisation("lab", lead=ada)
    Organisation.objects.filter(pk=lab.pk).update(verified_at=None)
    project = factories.make_project(lead=ada)
    client.force_login(stella)
    calls: list[tuple[str, dict[str, Any]]] = [
        (f"people/{ada.uid}/close", {}),
        (f"people/{ada.uid}/reopen", {}),
        (f"people/{ada.uid}/end-sessions", {}),
        (f"organisations/{lab.slug}/decline", {}),
        (f"projects/{project.slug}/suspend", {}),
        (f"projects/{project.slug}/class", {"project_class": "student"}),
    ]
    for address, more in calls:
        answer = client.post(f"/api/v1/{address}", {"reason": reason} | more, content_type="application/json")
        assert answer.status_code == 400, (address, answer.content)
        told = [(error["pointer"], error["detail"]) for error in answer.json()["errors"]]
        assert told == [("#/reason", "Write it on one line, without line breaks or control characters.")]
    for address, data in (
        (page_of(ada), {"act": "close"}), (f"/steward/organisations/{lab.slug}/", {"answer": "decline"}),
    ):  # fmt: skip
        assert "Write it on one line" in client.post(address, {"reason": reason} | data).content.decode()
    ada.refresh_from_db()
    assert ada.is_active
