"""Evidence on pages: handed in, found, downloaded by who may, redacted; and what is far too large."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Organisation, User
from common import clock
from common.evidence.kinds import LARGEST
from nodes.models import Node
from pricing.models import Evidence
from pricing.services import evidence as service
from pricing.services.statements import publish_statement
from tests import evidence_files as files, factories

pytestmark = pytest.mark.django_db
NASTY = "<img src=x onerror=alert(1)> {{ 7|add:7 }}"


class Place:
    """An owner with a node and a file behind its statement; a funder of the node; a steward; others."""

    def __init__(self, visibility: str = "funders") -> None:
        self.lead, self.member, self.funder, self.outsider = map(
            factories.make_user, ("lead", "member", "funder", "outsider")
        )
        self.steward = factories.give_second_factor(factories.make_user("steward", is_steward=True))
        self.owner = factories.make_organisation(lead=self.lead, slug="owner")
        self.owner.memberships.create(user=self.member, role="member")
        self.node = factories.make_node(owner=self.owner, name="Lyon 1")
        self.publish(self.node)
        self.evidence = self.hand_in(visibility=visibility, title="Invoice of the rack")
        self.attach(self.evidence)
        funder = factories.make_organisation(Organisation.Kind.FUNDER, lead=self.funder)
        project = factories.make_project(lead=self.outsider)
        factories.make_charge(self.node, project, grant=factories.make_grant(project, funder=funder))

    def publish(self, node: Node) -> None:
        at = clock.now()
        publish_statement(
            node=node, declared=factories.make_declared(), effective_from=at - timedelta(days=1),
            published_by=self.lead, at=at,
        )  # fmt: skip

    def hand_in(self, **fields: Any) -> Evidence:
        return factories.make_evidence(self.owner, self.lead, **fields)

    def attach(self, evidence: Evidence) -> None:
        service.attach_to_statement(
            statement=self.node.statements.get(), part="hosting", evidence=evidence, by=self.lead,
            at=clock.now(),
        )  # fmt: skip

    def statuses(self, method: str, url: str, data: Any = None) -> dict[str, int]:
        people = {"stranger": None} | {
            name: getattr(self, name) for name in ("outsider", "member", "lead", "funder", "steward")
        }
        return {name: _status(who, method, url, data or {}) for name, who in people.items()}


def _status(who: User | None, method: str, url: str, data: dict[str, Any]) -> int:
    if "file" in data:
        data["file"].seek(0)  # the one before has read it
    answer = getattr(signed_in(who), method)(url, data)
    if answer.streaming:
        b"".join(answer)  # read to its end a file is closed
    return answer.status_code


def signed_in(who: User | None) -> Client:
    client = Client()
    if who is not None:
        client.force_login(who)
    return client


@pytest.fixture
def place(db: None) -> Place:
    return Place()


def upload(content: bytes = files.CSV, name: str = "costs.csv", **fields: Any) -> dict[str, Any]:
    file = SimpleUploadedFile(name, content)
    return {"title": "Costs of March", "visibility": "steward"} | fields | {"file": file}


# --- handing in ----------------------------------------------------------------------------------------
def test_only_leads_hand_in_and_members_see_the_list(place: Place) -> None:
    url = "/organisations/owner/evidence/"
    others = {"stranger": 302, "outsider": 404, "funder": 404, "steward": 404}
    assert place.statuses("get", url) == {**others, "member": 200, "lead": 200}
    assert place.statuses("post", url, upload()) == {**others, "member": 403, "lead": 302}
    assert "Add a file" in signed_in(place.lead).get(url).content.decode()
    assert "Add a file" not in signed_in(place.member).get(url).content.decode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (upload(files.png(), "invoice.pdf"), "This file is called .pdf and is a PNG image."),
        (upload(b"PK\x03\x04" + bytes(99), "sheet.xlsx"), "This file is a ZIP archive"),
        (upload(b"", "empty.csv"), "This file is empty."),
        (upload(b"a,b\n1,2\n1,2,3\n"), "Line 3 of the CSV has 3 columns; the first has 2."),
        (upload(b"%PDF-1.7\n" + bytes(LARGEST), "a.pdf"), "is the most."),
        (upload(title=""), "This field is required."),
        (upload(title="a\nb"), "on one line"),
    ],
)
def test_bad_input_is_answered_in_its_place_and_nothing_typed_is_lost(
    place: Place, data: dict[str, Any], said: str
) -> None:
    data["file"].seek(0)
    answer = signed_in(place.lead).post("/organisations/owner/evidence/", data | {"visibility": "public"})
    text = answer.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert (answer.status_code, said in text) == (400, True)
    assert '<option value="public" selected>' in text
    assert not data["title"] or "\n" in data["title"] or f'value="{data["title"]}"' in text


class Endless(BytesIO):
    """200 MB that nobody has in memory, and how much of it was read."""

    def __init__(self, head: bytes, size: int) -> None:
        super().__init__(head)
        self.left, self.was_read = size - len(head), 0

    def read(self, size: int | None = -1) -> bytes:
        wanted = 65_536 if size is None or size < 0 else size
        piece = super().read(wanted)
        more = min(wanted - len(piece), self.left)
        self.left -= more
        self.was_read += len(piece) + more
        return piece + b"x" * more


@pytest.mark.parametrize("announced", [200_000_000, 11_000_000])
def test_two_hundred_megabytes_are_refused_before_they_are_read(
    place: Place, announced: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What stood before the file in the form is still there, and nothing was written to a disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    head = (
        b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nScan of the rack\r\n'
        b'--b\r\nContent-Disposition: form-data; name="visibility"\r\n\r\npublic\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="scan.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n%PDF-1.7\n"
    )
    body = Endless(head, 200_000_000)
    client = signed_in(place.lead)
    request = {
        "wsgi.input": body, "CONTENT_LENGTH": str(announced),
        "CONTENT_TYPE": "multipart/form-data; boundary=b",
    }  # fmt: skip
    answer = client.post("/organisations/owner/evidence/", **request)
    text = answer.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert answer.status_code == 400
    assert "; 10.5 MB is the most." in text
    assert 'value="Scan of the rack"' in text
    assert body.was_read < 1_000_000
    assert list(tmp_path.iterdir()) == []


def test_the_application_s_form_refuses_it_too(place: Place) -> None:
    head = (
        b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nBats\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\n'
    )
    request = {
        "wsgi.input": Endless(head, 200_000_000), "CONTENT_LENGTH": "200000000",
        "CONTENT_TYPE": "multipart/form-data; boundary=b",
    }  # fmt: skip
    text = signed_in(place.outsider).post("/projects/apply/", **request).content.decode()
    assert "The file has 200\N{NO-BREAK SPACE}MB" in text
    assert 'value="Bats"' in text


# --- reading -------------------------------------------------------------------------------------------
def test_the_file_is_for_whom_its_owner_says(place: Place) -> None:
    page, file = place.evidence.get_absolute_url(), f"{place.evidence.get_absolute_url()}file"
    assert set(place.statuses("get", page).values()) == {200}
    assert place.statuses("get", file) == {
        "stranger": 404, "outsider": 404, "member": 200, "lead": 200, "funder": 200, "steward": 200,
    }  # fmt: skip
    text = Client().get(page).content.decode()
    assert place.evidence.sha256 in text
    assert "Stewards and funders of the node" in text
    assert f"{page}file" not in text


def test_what_stands_behind_nothing_published_is_its_owner_s_and_the_stewards(place: Place) -> None:
    loose = place.hand_in(visibility="public")
    for url in (loose.get_absolute_url(), f"{loose.get_absolute_url()}file"):
        assert place.statuses("get", url) == {
            "stranger": 404, "outsider": 404, "member": 200, "lead": 200, "funder": 404, "steward": 200,
        }  # fmt: skip


def test_it_is_a_download_that_can_do_nothing(place: Place) -> None:
    url = f"{place.evidence.get_absolute_url()}file"
    answer = signed_in(place.funder).get(url)
    with place.evidence.content.open() as kept:
        assert b"".join(answer) == kept.read()
    digest = place.evidence.sha256
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="evidence-{digest[:12]}.csv"'
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert (answer["X-Content-Type-Options"], answer["ETag"]) == ("nosniff", f'"{digest}"')
    assert "no-store" in answer["Cache-Control"]
    again = signed_in(place.funder).get(url, headers={"If-None-Match": f'"{digest}"'})
    assert (again.status_code, again["Content-Security-Policy"]) == (304, "default-src 'none'; sandbox")


def test_a_page_costs_the_same_however_much_there_is(place: Place) -> None:
    with CaptureQueriesContext(connection) as few:
        signed_in(place.lead).get("/organisations/owner/evidence/")
    for _number in range(5):
        place.attach(place.hand_in())
    with CaptureQueriesContext(connection) as many:
        signed_in(place.lead).get("/organisations/owner/evidence/")
    assert len(many) <= len(few)


def test_words_of_an_owner_are_only_words(place: Place) -> None:
    nasty = place.hand_in(title=NASTY)
    place.attach(nasty)
    for url in (nasty.get_absolute_url(), "/organisations/owner/evidence/"):
        text = signed_in(place.lead).get(url).content.decode()
        assert NASTY not in text
        assert "&lt;img src=x onerror=alert(1)&gt; {{ 7|add:7 }}" in text


# --- changing ------------------------------------------------------------------------------------------
def test_only_leads_widen_attach_and_discard(place: Place) -> None:
    page = place.evidence.get_absolute_url()
    others = {"stranger": 302, "outsider": 404, "member": 403, "funder": 404, "steward": 404}
    assert place.statuses("post", f"{page}widen/", {"visibility": "public"}) == {**others, "lead": 302}
    statement = place.node.statements.get()
    where = {"place": f"statement:{statement.uid}:staff"}
    assert place.statuses("post", f"{page}attach/", where) == {**others, "lead": 302}
    assert statement.evidence.count() == 2
    assert place.statuses("post", f"{page}discard/") == {**others, "lead": 409}
    loose = place.hand_in()
    assert place.statuses("post", f"{loose.get_absolute_url()}discard/") == {
        "stranger": 302, "outsider": 404, "member": 403, "funder": 404, "steward": 404, "lead": 302,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("action", "data", "said"),
    [
        ("widen", {"visibility": "steward"}, "only becomes more"),
        ("attach", {"place": "statement:nothing:"}, "Choose what it stands behind."),
        ("attach", {"place": ""}, "Choose what it stands behind."),
        ("discard", {}, "can be redacted"),
    ],
)
def test_a_no_is_said_on_its_page(place: Place, action: str, data: dict[str, str], said: str) -> None:
    answer = signed_in(place.lead).post(f"{place.evidence.get_absolute_url()}{action}/", data)
    assert answer.status_code in (400, 409)
    assert said in answer.content.decode()


def test_another_owner_s_statement_is_not_to_be_had(place: Place) -> None:
    other = factories.make_node(owner=factories.make_organisation(lead=place.lead))
    place.publish(other)
    where = {"place": f"statement:{other.statements.get().uid}:"}
    answer = signed_in(place.lead).post(f"{place.evidence.get_absolute_url()}attach/", where)
    assert answer.status_code == 400
    assert not other.statements.get().evidence.exists()


def test_leads_and_stewards_redact_and_everybody_reads_why(
    place: Place, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    url = f"{place.evidence.get_absolute_url()}redact/"
    others = {"stranger": 302, "outsider": 404, "member": 403, "funder": 404}
    assert place.statuses("get", url) == {**others, "lead": 200, "steward": 200}
    refused = place.statuses("post", url, {"reason": ""})
    assert refused == {**others, "lead": 400, "steward": 400}
    post = partial(signed_in(place.steward).post, url, {"reason": "A private address stood in it."})
    with django_capture_on_commit_callbacks(execute=True):
        assert post().status_code == 302
    text = Client().get(place.evidence.get_absolute_url()).content.decode()
    assert "A steward: A private address stood in it." in text
    assert place.evidence.sha256 in text
    gone = signed_in(place.lead).get(f"{place.evidence.get_absolute_url()}file")
    assert (gone.status_code, "A private address" in gone.content.decode()) == (410, True)
    again = post()
    assert (again.status_code, "was redacted on" in again.content.decode()) == (409, True)


def test_a_steward_without_a_second_factor_redacts_nothing(place: Place) -> None:
    plain = factories.make_user("plain", is_steward=True)
    answer = signed_in(plain).post(f"{place.evidence.get_absolute_url()}redact/", {"reason": "Why"})
    assert answer.status_code == 403


def test_a_node_that_never_was_listed_is_named_to_its_owner_and_stewards_alone(place: Place) -> None:
    place.node.state = "draft"
    place.node.save(update_fields=["state"])
    for who, is_told in [(None, False), (place.outsider, False), (place.member, True), (place.steward, True)]:
        text = signed_in(who).get(place.evidence.get_absolute_url()).content.decode()
        assert ("Lyon 1" in text, "A node that is not listed" in text) == (is_told, not is_told)
