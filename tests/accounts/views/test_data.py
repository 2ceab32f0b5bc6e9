"""One's own data: everything of a person is in the file, and nothing of them is left afterwards."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from accounts import services
from accounts.errors import ErasureRefused
from accounts.models import (
    ApiToken,
    IdempotentAnswer,
    Invitation,
    Notice,
    OrganisationMembership,
    Project,
    ProjectMembership,
    User,
)
from accounts.services import invitations, own_data, tokens
from accounts.services.house_rules import accept_house_rules
from accounts.services.notices import notify
from common import clock
from nodes.models import Lease, LogChunk, OutputFile
from reservations.models import Application, Reservation, Run
from reservations.services import shares
from tests import factories
from tests.reservations.services.worlds import Lab
from tests.reservations.views.running import Job

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NAME, ADDRESS = "Quirina Zwanzig", "quirina.zwanzig@example.org"


@pytest.fixture
def quirina() -> User:
    return services.create_person(email=ADDRESS, password=PASSWORD, name=NAME)


@pytest.fixture
def job(quirina: User) -> Job:
    """A finished job of hers in the project that is hers alone, named as she is."""
    project = factories.make_project(lead=quirina, name=f"Project of {NAME}", personal_to=quirina)
    factories.make_grant(project)
    factories.make_policy()
    root = shares.create_root(name="All")
    place = shares.create_project_vertex(parent=root, project=project, shares=1, name="personal-1")
    job = Job(Lab(project, quirina, place), script=f"echo {NAME} {ADDRESS}").start()
    return job.print(f"hello {NAME}\n").bring_back("out/a.csv", ADDRESS.encode()).end()


def lived(quirina: User) -> None:
    """Everything that may be written about somebody by what the site lets people do."""
    now = clock.now()
    lena = factories.make_user("lena")
    factories.make_project(quirina, lead=lena, name="Coastal flood atlas")
    lab = factories.make_organisation(lead=lena)
    OrganisationMembership.objects.create(organisation=lab, user=quirina)
    accept_house_rules(user=quirina, version=1, at=now)
    factories.give_second_factor(quirina)
    tokens.create(
        user=quirina, name=f"laptop of {NAME}", scopes=["read"], project=None,
        expires_at=now + timedelta(days=30), at=now,
    )  # fmt: skip
    other = factories.make_project(lead=lena)
    invitations.invite(to=other, email=ADDRESS.upper(), role="member", by=lena, at=now)
    removed = {"group": "Atlas", "by": quirina}
    notify(users=[lena], kind="member_removed", params=removed, url="/", dedupe="1", at=now)
    notify(
        users=[lena], kind="invitation_answered",
        params={"group": "Atlas", "email": ADDRESS, "outcome": "accepted"}, url="/", dedupe="2", at=now,
    )  # fmt: skip
    notify(
        users=[quirina], kind="role_changed", params={"group": "Atlas", "role": "lead", "by": lena},
        url="/", dedupe="3", at=now,
    )  # fmt: skip
    Application.objects.create(
        applicant=quirina, name=f"{NAME} reads", slug="quirina-reads", wanted_class="student",
        purpose=f"I, {NAME}", evidence=ADDRESS, evidence_file=ContentFile(b"a", "card.pdf"),
        evidence_digest="0" * 64, submitted_at=now,
    )  # fmt: skip
    IdempotentAnswer.objects.create(
        user=quirina, key="k", request_digest="0" * 64, status=201, headers={"By": NAME}, created_at=now
    )
    LogEntry.objects.create(
        user=lena, content_type=ContentType.objects.get_for_model(User), object_id=str(quirina.pk),
        object_repr=NAME, action_flag=2, change_message=f"{ADDRESS} changed",
    )  # fmt: skip


def sign_in(client: Client) -> None:
    client.post("/accounts/login/", {"login": ADDRESS, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def mentions(*words: str) -> list[str]:
    """Every text of every table that holds one of these words, and bytes too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND (data_type IN ('text', 'character varying', 'jsonb', 'json', 'ARRAY', 'bytea'))"
        )
        columns = cursor.fetchall()
        found = []
        for table, column in columns:
            text = f"encode(\"{column}\", 'escape')" if is_bytes(table, column) else f'"{column}"::text'
            for word in words:
                cursor.execute(f'SELECT count(*) FROM "{table}" WHERE {text} ILIKE %s', [f"%{word}%"])
                if cursor.fetchone()[0]:
                    found.append(f"{table}.{column}: {word}")
        return found


def is_bytes(table: str, column: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
            [table, column],
        )
        return bool(cursor.fetchone()[0] == "bytea")


def test_the_search_of_these_tests_finds_what_is_there(quirina: User, job: Job) -> None:
    lived(quirina)
    found = mentions(NAME, ADDRESS)
    for column in ("accounts_user.name", "reservations_run.script", "nodes_logchunk.text",
                   "accounts_notice.params", "account_emailaddress.email", "accounts_project.name",
                   "reservations_application.purpose", "django_admin_log.object_repr"):  # fmt: skip
        assert any(one.startswith(column) for one in found), column


def test_the_file_holds_everything_and_no_secret(client: Client, quirina: User, job: Job) -> None:
    lived(quirina)
    sign_in(client)
    # Her second factor is asked for as well: a code of hers lets her in.
    client.force_login(quirina)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = client.get("/me/data/export/")
    assert answer["Content-Disposition"].startswith("attachment")
    told = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert told["format"] == "equinode-own-data/1"
    assert told["person"]["email"] == ADDRESS
    assert [one["email"] for one in told["email_addresses"]] == [ADDRESS]
    assert {one["role"] for one in told["projects"]} == {"lead", "member"}
    [token] = told["tokens"]
    assert token["scopes"] == ["read"]
    assert "role_changed" in {one["kind"] for one in told["notices"]}
    assert [one["evidence"] for one in told["applications"]] == [ADDRESS]
    assert [one["uid"] for one in told["decisions"]] == [str(job.reservation.decision.uid)]
    assert [one["uid"] for one in told["reservations"]] == [str(job.reservation.uid)]
    assert [one["script"] for one in told["runs"]] == [f"echo {NAME} {ADDRESS}"]
    assert [one["name"] for one in told["runs"][0]["files"]] == ["out/a.csv"]
    assert {one["type"] for one in told["means_of_signing_in"]} == {"totp"}
    everything = json.dumps(told)
    secrets = [ApiToken.objects.get().token_hash, quirina.password, Invitation.objects.get().token_hash,
               Authenticator.objects.get(type="totp").data["secret"]]  # fmt: skip
    assert [secret for secret in secrets if secret in everything] == []


def test_what_stands_in_the_file_has_names_that_people_read(quirina: User) -> None:
    lived(quirina)
    told = json.loads("".join(own_data.export_json(user=quirina, at=clock.now())))
    for one in told["projects"]:
        assert set(one) == {"uid", "slug", "name", "role", "monthly_cap", "joined_at"}
    assert [set(one) & {"uid", "slug", "name"} for one in told["organisations"]] == [{"uid", "slug", "name"}]
    assert {"only_project", "name"} <= set(told["tokens"][0])
    assert {"to_project", "to_organisation"} <= set(told["invitations"][0])
    assert "__" not in json.dumps(told), "no column that looks into another table"


def test_sessions_are_in_the_file(client: Client, quirina: User) -> None:
    sign_in(client)
    told = json.loads(b"".join(client.get("/me/data/export/").streaming_content))  # type: ignore[attr-defined]
    assert [one["ip"] for one in told["sessions"]] == ["127.0.0.1"]


def test_the_file_is_of_oneself_alone(client: Client, quirina: User, job: Job, mallory: User) -> None:
    client.force_login(mallory)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    everything = b"".join(client.get("/me/data/export/").streaming_content).decode()  # type: ignore[attr-defined]
    assert NAME not in everything
    assert str(job.reservation.uid) not in everything


@pytest.mark.parametrize("page", ["export", "erase"])
def test_who_finds_an_open_browser_is_asked_for_the_password(
    client: Client, quirina: User, page: str
) -> None:
    client.post("/accounts/login/", {"login": ADDRESS, "password": PASSWORD})
    answer = client.get(f"/me/data/{page}/")
    assert answer["Location"] == f"/accounts/reauthenticate/?next=%2Fme%2Fdata%2F{page}%2F"
    client.post("/me/data/erase/", {"email": ADDRESS})
    quirina.refresh_from_db()
    assert quirina.erased_at is None


def end_slot(job: Job) -> Any:
    """A moment after the slot, at which nothing runs any more."""
    Reservation.objects.filter(pk=job.reservation.pk).update(state="ended")
    return clock.now()


def test_nothing_of_somebody_is_left_in_any_table(
    quirina: User, job: Job, django_capture_on_commit_callbacks: Any
) -> None:
    lived(quirina)
    stored = OutputFile.objects.get().content.name
    card = Application.objects.get().evidence_file.name
    with django_capture_on_commit_callbacks(execute=True):
        own_data.erase(user=quirina, at=end_slot(job))
    assert mentions(NAME, ADDRESS, "quirina") == []
    assert not default_storage.exists(stored)
    assert not default_storage.exists(card)


def test_a_name_that_is_a_common_word_stays_in_what_is_not_about_its_bearer(lena: User, omar: User) -> None:
    """Who somebody is goes by reference: others bear the same name, and gardens do."""
    now = clock.now()
    rose = services.create_person(email="rose@example.org", password=None, name="Rose")
    namesake = services.create_person(email="other@example.org", password=None, name="Rose")
    garden = factories.make_organisation(lead=lena, name="Rose garden")
    for number, by in enumerate((omar, namesake, rose)):
        facts = {"group": "Rose garden", "by": by}
        notify(users=[lena], kind="member_removed", params=facts, url="/", dedupe=f"{number}", at=now)
    notify(
        users=[lena], kind="project_suspended", params={"project": "Rose", "reason": "The Rose is closed"},
        url="/", dedupe="suspended", at=now,
    )  # fmt: skip
    entry = LogEntry.objects.create(
        user=lena, content_type=ContentType.objects.get_for_model(garden), object_id=str(garden.pk),
        object_repr="Rose garden", action_flag=2, change_message="Rose",
    )  # fmt: skip
    own_data.erase(user=rose, at=now)
    told = {one.dedupe: one.params for one in Notice.objects.filter(user=lena)}
    assert [told[number]["by"] for number in ("0", "1", "2")] == [omar.name, "Rose", "–"]
    assert {told[number]["group"] for number in ("0", "1", "2")} == {"Rose garden"}
    assert told["suspended"] == {"project": "Rose", "reason": "The Rose is closed"}
    entry.refresh_from_db()
    assert (entry.object_repr, entry.change_message) == ("Rose garden", "Rose")


def test_somebody_who_was_called_otherwise_then_is_forgotten_too(lena: User, quirina: User) -> None:
    facts = {"group": "Atlas", "by": quirina}
    notify(users=[lena], kind="member_removed", params=facts, url="/", dedupe="1", at=clock.now())
    User.objects.filter(pk=quirina.pk).update(name="Somebody else")
    own_data.erase(user=quirina, at=clock.now())
    assert Notice.objects.get().params == {"group": "Atlas", "by": "–"}


def test_an_address_goes_and_one_that_contains_it_stays(lena: User, quirina: User) -> None:
    others = f"x.{ADDRESS}, {ADDRESS.upper()}, {ADDRESS}.fr"
    notify(
        users=[lena], kind="invitations_withdrawn", params={"group": "Atlas", "by": lena, "emails": others},
        url="/", dedupe="1", at=clock.now(),
    )  # fmt: skip
    own_data.erase(user=quirina, at=clock.now())
    assert Notice.objects.get().params["emails"] == f"x.{ADDRESS}, –, {ADDRESS}.fr"


def test_a_notice_of_somebody_does_not_go_without_who_it_is(lena: User) -> None:
    with pytest.raises(TypeError, match="by"):
        notify(
            users=[lena], kind="member_removed", params={"group": "Atlas", "by": "Quirina"}, url="/",
            dedupe="1", at=clock.now(),
        )  # fmt: skip


def test_a_closed_project_is_called_so_in_what_others_were_told_of_it(quirina: User) -> None:
    lena = services.create_person(email="lena@example.org", password=None, name="Lena")
    project = factories.make_project(lead=quirina, name=f"Project of {NAME}", slug="project-of-quirina")
    other = factories.make_project(lead=quirina, name=f"Second of {NAME}", slug="second-of-quirina")
    at = clock.now()
    invitations.invite(to=other, email=lena.email, role="member", by=quirina, at=at)
    notify(
        users=[lena], kind="project_resumed", params={"project": project.name},
        url=project.get_absolute_url(), dedupe="1", at=at,
    )  # fmt: skip
    own_data.erase(user=quirina, at=at)
    assert mentions(NAME, ADDRESS, "quirina") == []
    told = {one.kind: one for one in Notice.objects.filter(user=lena)}
    assert told["project_resumed"].params == {"project": "Closed project"}
    assert told["project_resumed"].url == ""
    assert told["invitation_received"].params == {"group": "Closed project", "by": "–"}


def test_the_books_stay_without_the_person(quirina: User, job: Job) -> None:
    digest = job.reservation.decision.digest
    own_data.erase(user=quirina, at=end_slot(job))
    reservation = Reservation.objects.get()
    assert (reservation.booked_by_id, reservation.decision.digest) == (quirina.pk, digest)
    assert Run.objects.get().script == ""
    assert Lease.objects.get().exit_code == 0
    assert not LogChunk.objects.exists()
    assert not OutputFile.objects.exists()
    project = Project.objects.get(personal_to=quirina)
    assert project.expires_at is not None
    assert not project.may_book_at(clock.now())


def test_every_way_in_is_closed(client: Client, quirina: User) -> None:
    sign_in(client)
    lived(quirina)
    client.post("/me/data/erase/", {"email": ADDRESS})
    quirina.refresh_from_db()
    assert quirina.erased_at is not None
    assert not quirina.is_active
    assert client.get("/me/").status_code == 302
    client.post("/accounts/login/", {"login": ADDRESS, "password": PASSWORD})
    assert "_auth_user_id" not in client.session
    for model in (ApiToken, Authenticator, EmailAddress, UserSession, ProjectMembership):
        assert not model.objects.filter(user=quirina).exists(), model
    assert not Notice.objects.filter(user=quirina).exists()


def test_jobs_in_a_project_that_goes_on_stay(quirina: User, lena: User) -> None:
    project = factories.make_project(quirina, lead=lena)
    factories.make_grant(project)
    job = Job(Lab(project, quirina, factories.make_vertex(project))).start().print("epoch 1\n").end()
    own_data.erase(user=quirina, at=end_slot(job))
    assert Run.objects.get().script == "python train.py"
    assert LogChunk.objects.exists()
    assert not ProjectMembership.objects.filter(user=quirina).exists()


def test_the_page_says_what_happens_before(client: Client, quirina: User, job: Job) -> None:
    sign_in(client)
    end_slot(job)
    page = client.get("/me/data/erase/").content.decode()
    assert "1 reservation with its decision and charges" in page
    assert "This stands in the way" not in page


def test_another_address_confirms_nothing(client: Client, quirina: User) -> None:
    sign_in(client)
    page = client.post("/me/data/erase/", {"email": "somebody@example.org"})
    assert "This is not the address of your account." in page.content.decode()
    quirina.refresh_from_db()
    assert quirina.erased_at is None


def test_the_only_lead_of_others_stays_until_somebody_else_leads(client: Client, quirina: User) -> None:
    project = factories.make_project(factories.make_user(), lead=quirina, name="Atlas")
    sign_in(client)
    page = client.get("/me/data/erase/").content.decode()
    assert "You are the only lead of Atlas" in page
    assert f"/projects/{project.slug}/members/" in page
    assert client.post("/me/data/erase/", {"email": ADDRESS}).status_code == 409
    factories.make_project(lead=quirina)  # nobody else belongs to it: no reason to stay
    ProjectMembership.objects.filter(project=project).update(role="lead")
    own_data.erase(user=quirina, at=clock.now())


def test_the_only_lead_of_an_organisation_stays(quirina: User) -> None:
    factories.make_organisation(lead=quirina, name="Institute")
    with pytest.raises(ErasureRefused, match="only lead of Institute"):
        own_data.erase(user=quirina, at=clock.now())


def test_the_only_steward_stays(quirina: User) -> None:
    User.objects.filter(pk=quirina.pk).update(is_steward=True)
    quirina.refresh_from_db()
    with pytest.raises(ErasureRefused, match="only steward"):
        own_data.erase(user=quirina, at=clock.now())


def test_who_has_a_slot_to_come_cancels_it_first(quirina: User, job: Job) -> None:
    with pytest.raises(ErasureRefused, match="Cancel it first") as refusal:
        own_data.erase(user=quirina, at=clock.now())
    assert len(refusal.value.details["stops"]) == 1  # type: ignore[arg-type]
    quirina.refresh_from_db()
    assert quirina.erased_at is None


def test_a_second_time_changes_nothing(quirina: User) -> None:
    now = clock.now()
    own_data.erase(user=quirina, at=now)
    own_data.erase(user=quirina, at=now + timedelta(hours=1))
    quirina.refresh_from_db()
    assert quirina.erased_at == now
