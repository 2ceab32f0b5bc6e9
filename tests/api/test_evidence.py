"""Evidence and cost pools by calls: what pages do, a program does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.domain import scopes
from accounts.models import User
from accounts.services import tokens
from common import clock
from pricing.models import CostPool, Evidence, PoolDraft
from tests import evidence_files as files
from tests.pricing.views.test_evidence import Place, signed_in

pytestmark = pytest.mark.django_db
FILES, DRAFTS = "/api/v1/organisations/owner/evidence", "/api/v1/organisations/owner/pool-drafts"


def in_days(days: int) -> str:
    return (clock.now() + timedelta(days=days)).date().isoformat()


@pytest.fixture
def place(db: None) -> Place:
    return Place()


class Program:
    def __init__(self, user: User | None, *may: str) -> None:
        self.client, self.headers = Client(), {}
        if user is not None:
            at = clock.now()
            _token, secret = tokens.create(
                user=user, name="program", scopes=may or scopes.ALL, project=None,
                expires_at=at + timedelta(days=1), at=at,
            )  # fmt: skip
            self.headers = {"Authorization": f"Bearer {secret}"}

    def __call__(self, method: str, url: str, body: Any = None, **headers: str) -> Any:
        call = getattr(self.client, method)
        kind = {} if method == "get" else {"content_type": "application/json"}
        return call(url, body or {}, headers=self.headers | headers, **kind)

    def upload(self, content: bytes = files.CSV, name: str = "costs.csv", **fields: str) -> Any:
        data = {"title": "Costs", "file": SimpleUploadedFile(name, content), **fields}
        return self.client.post(FILES, data, headers=self.headers)


def test_a_lead_hands_a_file_in_and_the_same_again_is_the_same(place: Place) -> None:
    lead = Program(place.lead)
    first, again = lead.upload(visibility="funders"), lead.upload(title="Another title")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (first.json()["format"], first.json()["visibility"]) == ("csv", "funders")
    assert Program(place.member).upload().status_code == 403
    assert Program(place.outsider).upload().status_code == 404
    assert Program(None).upload().status_code == 401
    assert Program(place.lead, scopes.READ).upload().json()["code"] == "scope_missing"


@pytest.mark.parametrize(
    ("content", "fields", "status", "code", "pointer"),
    [
        (files.png(), {"name": "a.pdf"}, 400, "evidence_refused", "/file"),
        (b"PK\x03\x04" + bytes(99), {}, 400, "evidence_refused", "/file"),
        (b"", {}, 400, "validation_failed", "/file"),
        (files.CSV, {"title": ""}, 400, "validation_failed", "/title"),
        (files.CSV, {"visibility": "friends"}, 400, "validation_failed", "/visibility"),
        (files.CSV, {"colour": "red"}, 400, "validation_failed", "/colour"),
        (bytes(12_000_000), {}, 413, "body_too_large", None),
    ],
)
def test_what_is_wrong_with_an_upload_is_named(
    place: Place, content: bytes, fields: dict[str, str], status: int, code: str, pointer: str | None
) -> None:
    answer = Program(place.lead).upload(content, **fields)
    told = answer.json()
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    if pointer:
        assert pointer in str(told["errors"])
    if code != "validation_failed":
        assert told["code"] == code


def test_only_multipart_is_taken_for_a_file(place: Place) -> None:
    assert Program(place.lead)("post", FILES, {"title": "a"}).status_code == 415


def test_a_file_is_downloaded_by_whom_it_is_for(place: Place) -> None:
    url = f"/api/v1/evidence/{place.evidence.uid}"
    told = Program(None)("get", url).json()
    assert (told["sha256"], told["may_read"]) == (place.evidence.sha256, False)
    assert Program(None)("get", f"{url}/file").status_code == 404
    answer = Program(place.funder, scopes.READ)("get", f"{url}/file")
    with place.evidence.content.open() as kept:
        assert b"".join(answer) == kept.read()
    assert (answer["ETag"], answer["X-Content-Type-Options"]) == (f'"{place.evidence.sha256}"', "nosniff")
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    again = Program(place.funder)("get", f"{url}/file", **{"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_it_is_shown_to_more_people_put_behind_and_discarded(place: Place) -> None:
    lead = Program(place.lead)
    loose = lead.upload().json()["uid"]
    url = f"/api/v1/evidence/{loose}"
    assert lead("patch", url, {"visibility": "public"}).json()["visibility"] == "public"
    narrower = lead("patch", url, {"visibility": "steward"})
    assert (narrower.status_code, narrower.json()["code"]) == (400, "evidence_refused")
    statement = f"/api/v1/statements/{place.node.statements.get().uid}/evidence"
    attached = lead("post", statement, {"evidence": loose, "part": "staff"})
    assert (attached.status_code, attached.json()["part"]) == (201, "staff")
    assert Program(place.member)("post", statement, {"evidence": loose}).status_code == 403
    assert Program(place.outsider)("post", statement, {"evidence": loose}).status_code == 404
    listed = Program(None)("get", statement).json()["items"]
    assert [(one["part"], one["evidence"]["may_read"]) for one in listed] == [
        ("hosting", False), ("staff", True),
    ]  # fmt: skip
    page = Program(None)("get", f"{statement}?limit=1").json()
    assert Program(None)("get", page["next"]).json()["items"] == listed[1:]
    assert lead("delete", url).json()["code"] == "evidence_attached"
    other = lead.upload(files.pdf(), "a.pdf").json()["uid"]
    assert lead("delete", f"/api/v1/evidence/{other}").status_code == 204
    assert not Evidence.objects.filter(uid=other).exists()


def test_a_steward_redacts_it_and_its_digest_stays(place: Place) -> None:
    url = f"/api/v1/evidence/{place.evidence.uid}"
    assert Program(place.funder)("post", f"{url}/redact", {"reason": "Why"}).status_code == 404
    told = Program(place.steward)("post", f"{url}/redact", {"reason": "A private address"}).json()
    assert (told["redacted_by"], told["sha256"], told["may_read"]) == (
        "steward",
        place.evidence.sha256,
        False,
    )
    gone = Program(place.lead)("get", f"{url}/file")
    assert (gone.status_code, gone.json()["code"]) == (409, "evidence_redacted")
    assert "A private address" in gone.json()["detail"]


def test_what_stands_behind_a_node_that_never_was_listed_is_told_to_its_owner_and_stewards(
    place: Place,
) -> None:
    url = f"/api/v1/statements/{place.node.statements.get().uid}/evidence"
    place.node.state = "draft"
    place.node.save(update_fields=["state"])
    people = (None, place.outsider, place.funder, place.member, place.lead, place.steward)
    assert [Program(one)("get", url).status_code for one in people] == [404, 404, 404, 200, 200, 200]


def written(place: Place, **fields: Any) -> dict[str, Any]:
    return {
        "name": "Rack", "kind": "hosting", "amount_year": "9000", "worked_out": "Contract",
        "first_day": in_days(30), "key": "rack_units", "whole": "42", "bases": {place.node.slug: "12"},
    } | fields  # fmt: skip


def publish(lead: Program, body: dict[str, Any]) -> Any:
    begun = lead("post", DRAFTS, body)
    assert begun.status_code == 201
    return lead("post", f"/api/v1/pool-drafts/{begun.json()['uid']}/publish")


def test_a_draft_is_written_bit_by_bit_by_leads(place: Place) -> None:
    lead, slug = Program(place.lead), place.node.slug
    begun = lead("post", DRAFTS, {"name": "Rack", "evidence": [str(place.evidence.uid)]})
    draft = f"/api/v1/pool-drafts/{begun.json()['uid']}"
    unfinished = lead("post", f"{draft}/publish")
    assert (unfinished.status_code, unfinished.json()["code"]) == (400, "pool_refused")
    rest = written(place)
    del rest["name"]
    patched = lead("patch", draft, rest).json()
    assert (patched["typed"]["name"], patched["typed"]["bases"]) == ("Rack", {slug: "12.0000"})
    assert Program(place.member)("get", draft).status_code == 403
    assert Program(place.outsider)("get", draft).status_code == 404
    assert lead("post", f"{draft}/publish").status_code == 201
    assert lead("get", draft).status_code == 404


def test_a_program_that_has_read_an_older_version_overwrites_nothing(place: Place) -> None:
    lead = Program(place.lead)
    begun = lead("post", DRAFTS, {"name": "Rack in Lyon"}).json()
    draft = f"/api/v1/pool-drafts/{begun['uid']}"
    assert begun["version"] == 1
    assert lead("patch", draft, {"name": "Rack", "version": 1}).json()["version"] == 2
    late = lead("patch", draft, {"name": "Late", "version": 1})
    assert (late.status_code, late.json()["code"], late.json()["version"]) == (409, "draft_changed", 2)
    assert lead("get", draft).json()["typed"]["name"] == "Rack"
    assert lead("patch", draft, written(place)).json()["version"] == 3
    assert lead("post", f"{draft}/publish", {"version": 2}).json()["code"] == "draft_changed"
    assert lead("post", f"{draft}/publish", {"version": 3}).status_code == 201


def test_a_draft_is_kept_without_the_letter_that_the_database_cannot_hold(place: Place) -> None:
    lead, url = Program(place.lead), "/organisations/owner/pools/new/"
    begun = lead("post", DRAFTS, {"name": "Rack", "bases": {"a\0b": "1"}})
    assert (begun.status_code, list(begun.json()["typed"]["bases"])) == (201, ["ab"])
    page = signed_in(place.lead)
    page.post(url, {"name": "Bay\0 2", "save": "1"})
    assert {one.typed["name"] for one in PoolDraft.objects.all()} == {"Rack", "Bay 2"}


def test_a_published_pool_is_everybody_s_to_read(place: Place) -> None:
    answer = publish(Program(place.lead), written(place, evidence=[str(place.evidence.uid)]))
    (statement,) = answer.json()["statements"]
    assert statement["shares"][0]["share"] == "0.285714285714"
    pool, everybody = CostPool.objects.get(), Program(None)
    assert everybody("get", f"/api/v1/pools/{pool.uid}").json() == answer.json()
    (row,) = everybody("get", "/api/v1/organisations/owner/pools").json()["items"]
    assert (row["name"], row["unassigned_share"]) == ("Rack", "0.714285714286")
    (file,) = everybody("get", f"/api/v1/pools/{pool.uid}/evidence").json()["items"]
    assert file["evidence"]["uid"] == str(place.evidence.uid)


def test_a_correction_says_why_and_gives_out_no_more_than_all(place: Place) -> None:
    lead = Program(place.lead)
    (statement,) = publish(lead, written(place)).json()["statements"]
    over = written(place, whole="10", first_day=in_days(60), corrects=statement["statement"])
    draft = f"/api/v1/pool-drafts/{lead('post', DRAFTS, over).json()['uid']}"
    assert lead("post", f"{draft}/publish").json()["code"] == "pool_refused"  # it says no reason
    lead("patch", draft, {"reason": "The rack became dearer"})
    assert "120.0" in lead("post", f"{draft}/publish").json()["detail"]
    lead("patch", draft, {"whole": None})
    newest, _first = lead("post", f"{draft}/publish").json()["statements"]
    assert (newest["unassigned_share"], newest["reason"]) == ("0", "The rack became dearer")
    assert not PoolDraft.objects.exists()


def test_a_draft_is_thrown_away_and_takes_no_foreign_file(place: Place) -> None:
    lead = Program(place.lead)
    foreign = lead("post", DRAFTS, {"evidence": ["00000000-0000-4000-8000-000000000000"]})
    assert (foreign.status_code, foreign.json()["code"]) == (400, "pool_refused")
    uid = lead("post", DRAFTS, {"name": "Rack"}).json()["uid"]
    assert [one["uid"] for one in lead("get", DRAFTS).json()["items"]] == [uid]
    assert lead("delete", f"/api/v1/pool-drafts/{uid}").status_code == 204
    assert lead("get", DRAFTS).json()["items"] == []
