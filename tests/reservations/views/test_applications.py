"""Applying and answering, as everybody who might come there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Project
from common import clock
from common.evidence.kinds import LARGEST
from reservations.models import Application
from reservations.services import shares
from tests import factories
from tests.reservations.services.test_applications import ask, grant, make_account
from tests.reservations.views.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
NASTY = "<img src=x onerror=alert(1)> {{ 7|add:7 }}"
STEWARDS_ONLY = {"stranger": 302, "outsider": 404, "member": 404, "lead": 404}


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


def typed(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Bats of Brittany", "summary": "", "wanted_class": "citizen",
        "purpose": "Count bats by their calls", "evidence": "Register W751000001",
    } | fields  # fmt: skip


# --- applying ---
def test_everybody_who_is_signed_in_applies(cast: Cast) -> None:
    everybody = {"stranger": 302, "outsider": 200, "member": 200, "lead": 200, "steward": 200}
    assert cast.statuses("get", "/projects/apply/") == everybody
    assert set(cast.statuses("post", "/projects/apply/", typed()).values()) == {302}
    assert Application.objects.count() == 4


def test_only_leads_ask_for_more_for_a_project(cast: Cast) -> None:
    address = f"/projects/apply/?project={cast.project.slug}"
    others = {"stranger": 302, "outsider": 404, "member": 404, "steward": 404}
    assert cast.statuses("get", address) == {**others, "lead": 200}
    data: dict[str, object] = {"wanted_class": "citizen", "purpose": "More bats", "evidence": "W751000001"}
    assert cast.statuses("post", address, data) == {**others, "lead": 302}
    assert Application.objects.get().project == cast.project


def test_without_evidence_it_is_refused_in_place(cast: Cast) -> None:
    answer = cast.signed_in("outsider").post("/projects/apply/", typed(evidence="", purpose="Bats & owls"))
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "A class is given on evidence: say what shows it, or add a file." in text
    assert "Bats &amp; owls" in text  # what was typed is kept


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.pdf", b"MZ\x90\0", "This file is called .pdf and is a program."),
        ("a", b"MZ\x90\0", "What is taken: PDF, PNG, JPEG, WebP and text in UTF-8, CSV too."),
        ("a.txt", b"%PDF-" + b"x" * LARGEST, "is the most"),
        ("a.pdf", b"", "This file is empty."),
    ],
)
def test_a_file_is_judged_by_its_content_and_size(
    cast: Cast, name: str, content: bytes, sentence: str
) -> None:
    file = SimpleUploadedFile(name, content, content_type="application/pdf")
    answer = cast.signed_in("outsider").post("/projects/apply/", typed(file=file))
    assert answer.status_code in (400, 409)
    assert sentence in answer.content.decode()


@pytest.mark.parametrize("field", ["name", "summary"])
def test_names_stand_on_one_line(cast: Cast, field: str) -> None:
    answer = cast.signed_in("outsider").post("/projects/apply/", typed(**{field: "Bats\r\nBcc: eve@x.org"}))
    assert answer.status_code == 400
    assert not Application.objects.exists()


def test_only_one_s_own_organisations_are_offered(cast: Cast) -> None:
    foreign = factories.make_organisation("lab")
    answer = cast.signed_in("outsider").post("/projects/apply/", typed(organisation=foreign.slug))
    assert answer.status_code == 400
    own = factories.make_organisation("lab", lead=cast.outsider)
    cast.signed_in("outsider").post("/projects/apply/", typed(organisation=own.slug))
    assert Application.objects.get().organisation == own


# --- one's own ---
def test_only_who_applied_reads_and_withdraws_it(cast: Cast) -> None:
    application = ask(cast.lead)
    address = application.get_absolute_url()
    others = {"stranger": 302, "outsider": 404, "member": 404, "steward": 404}
    assert cast.statuses("get", address) == {**others, "lead": 200}
    assert cast.statuses("post", f"{address}withdraw/") == {**others, "lead": 302}
    application.refresh_from_db()
    assert application.state == "withdrawn"
    again = cast.signed_in("lead").post(f"{address}withdraw/")
    assert again.status_code == 409
    assert "This application was withdrawn." in again.content.decode()


def test_the_file_is_a_download_for_the_applicant_and_stewards(cast: Cast) -> None:
    application = ask(cast.lead, file=b"alert(1) </script>")
    address = f"{application.get_absolute_url()}evidence/"
    assert cast.statuses("get", address) == {
        "stranger": 302, "outsider": 404, "member": 404, "lead": 200, "steward": 200,
    }  # fmt: skip
    answer = cast.signed_in("steward").get(address)
    assert b"".join(answer) == b"alert(1) </script>"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="evidence-')
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"
    without = ask(cast.lead)
    assert cast.signed_in("lead").get(f"{without.get_absolute_url()}evidence/").status_code == 404


def test_the_answer_stands_on_the_applicant_s_page(cast: Cast) -> None:
    application = grant(ask(cast.lead, name="Owls"), cast.steward)
    text = cast.signed_in("lead").get(application.get_absolute_url()).content.decode()
    assert "Statutes seen." in text
    assert 'href="/projects/owls/"' in text
    assert "Owls" in cast.signed_in("lead").get("/projects/").content.decode()


# --- stewards ---
def test_only_stewards_see_the_queue(cast: Cast) -> None:
    application = ask(cast.lead)
    for address in ("/steward/applications/", f"/steward/applications/{application.uid}/"):
        assert cast.statuses("get", address) == {**STEWARDS_ONLY, "steward": 200}


def test_only_stewards_grant_and_decline(cast: Cast) -> None:
    account = make_account()
    data: dict[str, object] = {
        "granted_class": "citizen", "class_expires_at": f"{clock.now() + timedelta(days=99):%Y-%m-%d}",
        "account": str(account.pk), "shares": "2", "reply": "Statutes seen.",
    }  # fmt: skip
    granted, declined = ask(cast.lead), ask(cast.lead, name="Owls")
    address = f"/steward/applications/{granted.uid}/"
    assert cast.statuses("post", address, data) == {**STEWARDS_ONLY, "steward": 302}
    address = f"/steward/applications/{declined.uid}/decline/"
    assert cast.statuses("post", address, {"reply": "No."}) == {**STEWARDS_ONLY, "steward": 302}
    assert sorted(Application.objects.values_list("state", flat=True)) == ["declined", "granted"]


def test_a_steward_reads_of_their_own_application_that_another_answers(cast: Cast) -> None:
    factories.make_vertex(cast.project)
    application = ask(cast.lead, cast.project)
    cast.project.memberships.create(user=cast.steward)
    client, address = cast.signed_in("steward"), f"/steward/applications/{application.uid}/"
    page = client.get(address).content.decode()
    assert "another steward answers" in page
    assert "Grant it so" not in page
    refused = client.post(f"{address}decline/", {"reply": "No."})
    assert refused.status_code == 409
    assert f"You belong to {cast.project}: another steward answers." in refused.content.decode()


def test_what_a_steward_leaves_out_is_named_in_place(cast: Cast) -> None:
    account, application = make_account(), ask(cast.lead)
    client, address = cast.signed_in("steward"), f"/steward/applications/{application.uid}/"
    data = {"granted_class": "citizen", "account": str(account.pk), "shares": "2", "reply": "Seen."}
    answer = client.post(address, data)
    assert answer.status_code == 400
    assert "Say until when the class holds." in answer.content.decode()
    answer = client.post(address, {**data, "reply": "", "account": "0", "shares": "-1"})
    assert answer.status_code == 400
    assert not Project.objects.filter(name="Bats of Brittany").exists()


def test_who_asks_for_more_is_offered_the_account_and_shares_that_it_has(cast: Cast) -> None:
    make_account("A first one")
    account = make_account("Wildlife")
    shares.create_project_vertex(parent=account, project=cast.project, shares=4)
    page = cast.signed_in("steward").get(f"/steward/applications/{ask(cast.lead, cast.project).uid}/")
    text = page.content.decode()
    assert f'<option value="{account.pk}" selected>Wildlife</option>' in text
    assert 'name="shares" value="4"' in text
    asking = cast.signed_in("lead").get(f"/projects/apply/?project={cast.project.slug}").content.decode()
    assert "As it is now" in asking
    assert "Wildlife" in asking


def test_a_new_project_stands_in_no_account_that_nobody_chose(cast: Cast) -> None:
    make_account("A first one")
    application = ask(cast.lead)
    client, address = cast.signed_in("steward"), f"/steward/applications/{application.uid}/"
    assert '<option value="" selected>Choose</option>' in client.get(address).content.decode()
    answer = client.post(
        address, {"granted_class": "citizen", "account": "", "shares": "1", "reply": "Seen."}
    )
    assert answer.status_code == 400
    assert "Choose the account that it stands below." in answer.content.decode()


def test_the_second_steward_sees_who_was_quicker(cast: Cast) -> None:
    application = ask(cast.lead)
    other = factories.make_user("sten", is_steward=True)
    grant(application, other)
    answer = cast.signed_in("steward").post(
        f"/steward/applications/{application.uid}/decline/", {"reply": "No."}
    )
    assert answer.status_code == 409
    assert "Sten answered this application on" in answer.content.decode()


def test_a_steward_without_a_second_factor_reads_and_does_not_act(cast: Cast) -> None:
    application = ask(cast.lead)
    client = Client()
    client.force_login(factories.make_user("sten", is_steward=True))
    assert client.get(f"/steward/applications/{application.uid}/").status_code == 200
    answer = client.post(f"/steward/applications/{application.uid}/decline/", {"reply": "No."})
    assert answer.status_code == 403


def test_everything_typed_is_shown_as_text(cast: Cast) -> None:
    application = ask(cast.lead, name=NASTY, summary=NASTY, purpose=NASTY, evidence=NASTY)
    for who, address in (
        ("lead", application.get_absolute_url()), ("lead", "/projects/"),
        ("steward", "/steward/applications/"), ("steward", f"/steward/applications/{application.uid}/"),
    ):  # fmt: skip
        text = cast.signed_in(who).get(address).content.decode()
        assert "&lt;img src=x onerror=alert(1)&gt; {{ 7|add:7 }}" in text, address
        assert "<img src=x" not in text


def test_the_queries_do_not_grow_with_the_queue(cast: Cast) -> None:
    for number in range(4):
        make_account(f"Account {number}")
        application = ask(cast.lead, name=f"Bats {number}")
        grant(ask(cast.outsider, name=f"Owls {number}"), cast.steward, account=make_account(f"More {number}"))
    for who, address in (
        ("lead", application.get_absolute_url()), ("steward", "/steward/applications/"),
        ("lead", "/projects/apply/"), ("lead", f"/projects/apply/?project={cast.project.slug}"),
        ("steward", f"/steward/applications/{application.uid}/"),
    ):  # fmt: skip
        client = cast.signed_in(who)
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert len(queries) <= 8, (address, [query["sql"][:90] for query in queries])
