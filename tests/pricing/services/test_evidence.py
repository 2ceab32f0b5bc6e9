"""Evidence: kept once, attached for good, shown to more people only, redacted with its digest left."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.storage import InMemoryStorage, Storage, storages
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Organisation, User
from common import clock
from common.access import NotAllowed
from ledger.models import Entry
from ledger.wording import summary
from nodes.models import Node
from pricing.errors import EvidenceAttached, EvidenceRedacted, EvidenceRefused
from pricing.models import CostStatement, Evidence, PoolEvidence, StatementEvidence
from pricing.selectors.evidence import own_evidence
from pricing.services import evidence as service
from pricing.services.pool_drafts import start_draft
from pricing.services.statements import publish_statement
from tests import evidence_files as files, factories
from tests.races import at_once, split

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(omar: User) -> Organisation:
    return factories.make_organisation(lead=omar)


@pytest.fixture
def node(owner: Organisation, omar: User) -> Node:
    node = factories.make_node(owner=owner)
    publish(node, omar)
    return node


@pytest.fixture
def stella(db: None) -> User:
    return factories.make_user("stella", is_steward=True)


def publish(node: Node, by: User, **fields: Any) -> CostStatement:
    """A statement alone: evidence needs no price."""
    at = clock.now()
    fields = {"declared": factories.make_declared(), "effective_from": at - timedelta(days=30)} | fields
    return publish_statement(node=node, published_by=by, at=at, **fields)


def statement_of(node: Node) -> CostStatement:
    return node.statements.get()


def attach(evidence: Evidence, node: Node, by: User, part: str = "hosting") -> StatementEvidence:
    return service.attach_to_statement(
        statement=statement_of(node), part=part, evidence=evidence, by=by, at=clock.now()
    )


def kept_files(owner: Organisation) -> list[str]:
    """Everything below the folder that the owner's evidence is kept in."""
    root = Path(storages["evidence"].path(f"evidence/costs/{owner.uid}"))
    return sorted(path.name for path in root.rglob("*") if path.is_file()) if root.exists() else []


def redact(evidence: Evidence, by: User, reason: str = "Somebody’s address stood in it.") -> Evidence:
    return service.redact(evidence=evidence, reason=reason, by=by, at=clock.now())


# --- keeping -------------------------------------------------------------------------------------------
def test_a_file_is_kept_under_its_digest(owner: Organisation, omar: User) -> None:
    made = factories.make_evidence(owner, omar, files.pdf(), name="../../Omar’s invoice.PDF")
    digest = hashlib.sha256(files.pdf()).hexdigest()
    assert (made.sha256, made.kind, made.size) == (digest, "pdf", len(files.pdf()))
    assert made.content.name == f"evidence/costs/{owner.uid}/{digest}.pdf"
    with made.content.open() as kept:
        assert kept.read() == files.pdf()


def test_the_same_file_twice_is_one(owner: Organisation, omar: User) -> None:
    first = factories.make_evidence(owner, omar, files.CSV, title="March")
    again = factories.make_evidence(owner, omar, files.CSV, title="April", visibility="public")
    assert (again.pk, again.title, again.visibility) == (first.pk, "March", "steward")
    assert Evidence.objects.count() == 1


def test_a_photograph_is_kept_without_its_place(owner: Organisation, omar: User) -> None:
    made = factories.make_evidence(owner, omar, files.photograph())
    assert (made.is_stripped, made.sha256) == (True, hashlib.sha256(files.JPEG).hexdigest())


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"content": files.png(), "name": "invoice.pdf"}, "file", "is called .pdf and is a PNG image"),
        ({"content": files.TEXT}, "file", "This file is plain text"),
        ({"content": b"PK\x03\x04" + bytes(99)}, "file", "a ZIP archive"),
        ({"title": " "}, "title", "Say what it is"),
        ({"title": "a\nb"}, "title", "on one line"),
        ({"title": "x" * 121}, "title", "120 characters at most"),
        ({"visibility": "friends"}, "visibility", "Say who may read it"),
    ],
)
def test_what_cannot_be_evidence_is_refused_with_why(
    owner: Organisation, omar: User, change: dict[str, Any], field: str, said: str
) -> None:
    before = kept_files(owner)
    with pytest.raises(EvidenceRefused) as refusal:
        factories.make_evidence(owner, omar, **change)
    assert (refusal.value.field, said in refusal.value.message) == (field, True)
    assert kept_files(owner) == before


def test_who_does_not_lead_a_verified_organisation_hands_nothing_in(
    owner: Organisation, omar: User, ada: User
) -> None:
    with pytest.raises(NotAllowed):
        factories.make_evidence(owner, ada)
    Organisation.objects.update(verified_at=None)
    with pytest.raises(EvidenceRefused, match="not verified yet"):
        factories.make_evidence(owner, omar)


def test_a_file_is_looked_through_for_leads_of_verified_organisations_alone(
    owner: Organisation, omar: User, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a while: nobody else makes the server do it."""
    looked: list[str] = []
    monkeypatch.setattr(service, "check", lambda *_args, **kwargs: looked.append(kwargs["claimed"]))
    with pytest.raises(NotAllowed):
        factories.make_evidence(owner, ada)
    Organisation.objects.update(verified_at=None)
    owner.refresh_from_db()
    with pytest.raises(EvidenceRefused, match="not verified yet"):
        factories.make_evidence(owner, omar)
    assert looked == []


def test_an_organisation_has_only_so_many(
    owner: Organisation, omar: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_FILES", 1)
    first = factories.make_evidence(owner, omar, files.CSV)
    with pytest.raises(EvidenceRefused, match="has 1 file, the most there may be"):
        factories.make_evidence(owner, omar, files.pdf())
    assert factories.make_evidence(owner, omar, files.CSV) == first


def test_another_storage_will_do(
    owner: Organisation, omar: User, node: Node, settings: Any,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    """As S3 is one: it has no paths of this machine, and names are all that a row keeps."""
    settings.STORAGES = {
        **settings.STORAGES, "evidence": {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    }  # fmt: skip
    storage: Storage = storages["evidence"]
    assert isinstance(storage, InMemoryStorage)
    made = factories.make_evidence(owner, omar, files.pdf())
    assert storage.open(str(made.content.name)).read() == files.pdf()
    with django_capture_on_commit_callbacks(execute=True):
        redact(made, omar)
    assert not storage.exists(f"evidence/costs/{owner.uid}/{made.sha256}.pdf")


# --- attaching -----------------------------------------------------------------------------------------
def test_what_is_attached_stands_in_the_ledger_and_stays(owner: Organisation, node: Node, omar: User) -> None:
    evidence = factories.make_evidence(owner, omar, visibility="funders")
    attached = attach(evidence, node, omar)
    assert attach(evidence, node, omar) == attached
    attach(evidence, node, omar, part="")
    body = Entry.objects.get(pk=attached.entry_id).fact["body"]
    assert (body["digest"], body["part"], body["visibility"]) == (evidence.sha256, "hosting", "funders")
    assert evidence.title not in str(body)
    for change in (attached.delete, partial(StatementEvidence.objects.update, part="staff")):
        with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
            change()
    with pytest.raises(EvidenceAttached, match="can be redacted"):
        service.discard(evidence=evidence, by=omar)
    with pytest.raises(ProtectedError):
        evidence.delete()


def test_only_an_own_file_is_attached_to_a_part_that_is_there(
    owner: Organisation, node: Node, omar: User, ada: User
) -> None:
    evidence = factories.make_evidence(owner, omar)
    with pytest.raises(EvidenceRefused, match="has no part “catering”"):
        attach(evidence, node, omar, part="catering")
    foreign = factories.make_organisation(lead=omar)
    with pytest.raises(EvidenceRefused, match="belongs to another organisation"):
        attach(factories.make_evidence(foreign, omar), node, omar)
    with pytest.raises(NotAllowed):
        attach(evidence, node, ada)


def test_a_file_that_nothing_has_can_be_thrown_away(
    owner: Organisation, omar: User, ada: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    evidence = factories.make_evidence(owner, omar)
    with pytest.raises(NotAllowed):
        service.discard(evidence=evidence, by=ada)
    draft = start_draft(organisation=owner, typed={}, evidence=[evidence], by=omar, at=clock.now())
    with pytest.raises(EvidenceAttached, match="A draft has it"):
        service.discard(evidence=evidence, by=omar)
    draft.delete()
    with django_capture_on_commit_callbacks(execute=True):
        service.discard(evidence=evidence, by=omar)
    assert f"{evidence.sha256}.csv" not in kept_files(owner)
    with pytest.raises(EvidenceRefused, match="discarded meanwhile"):
        service.discard(evidence=evidence, by=omar)


def test_a_file_that_comes_again_while_it_is_discarded_stays(
    owner: Organisation, omar: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    evidence = factories.make_evidence(owner, omar, files.CSV)
    with django_capture_on_commit_callbacks() as afterwards:
        service.discard(evidence=evidence, by=omar)
    again = factories.make_evidence(owner, omar, files.CSV)
    for delete in afterwards:
        delete()
    with again.content.open() as kept:
        assert (len(afterwards), kept.read()) == (1, files.CSV)


def test_a_file_that_was_lost_is_back_when_it_is_handed_in_again(owner: Organisation, omar: User) -> None:
    evidence = factories.make_evidence(owner, omar, files.CSV)
    storages["evidence"].delete(str(evidence.content.name))
    assert factories.make_evidence(owner, omar, files.CSV) == evidence
    with evidence.content.open() as kept:
        assert kept.read() == files.CSV


# --- who may read --------------------------------------------------------------------------------------
def readers(evidence: Evidence, *people: User) -> list[str]:
    known = Evidence.objects.of(AnonymousUser()).filter(pk=evidence.pk).exists()
    return [*(["everybody"] if known else []), *(one.name for one in people if _reads(one, evidence))]


def _reads(user: User, evidence: Evidence) -> bool:
    return Evidence.objects.of(user).filter(pk=evidence.pk).exists()


def make_funder(person: str, **fields: Any) -> tuple[Organisation, User]:
    lead = factories.make_user(person)
    return factories.make_organisation(Organisation.Kind.FUNDER, lead=lead, **fields), lead


def test_a_funder_reads_of_the_nodes_it_pays_for_alone(
    owner: Organisation, node: Node, omar: User, ada: User, stella: User
) -> None:
    other = factories.make_node(owner=owner)
    publish(other, omar)
    funder, fatou = make_funder("fatou")
    evidence = factories.make_evidence(owner, omar, visibility="funders")
    attach(evidence, node, omar)
    people = (omar, ada, fatou, stella)
    assert readers(evidence, *people) == ["Omar", "Stella"]
    project = factories.make_project(lead=ada)
    factories.make_charge(other, project, grant=factories.make_grant(project, funder=funder))
    assert readers(evidence, *people) == ["Omar", "Stella"]  # it paid for another node
    factories.make_charge(node, project, grant=project.grants.get())
    assert readers(evidence, *people) == ["Omar", "Fatou", "Stella"]
    Organisation.objects.filter(pk=funder.pk).update(verified_at=None)
    assert readers(evidence, *people) == ["Omar", "Stella"]


@pytest.mark.parametrize("named", ["name", "slug"])
def test_a_funder_that_the_statement_names_is_one_of_the_node(
    owner: Organisation, omar: User, named: str
) -> None:
    funder, fatou = make_funder("fatou", name="Région Bretagne")
    _other, fiona = make_funder("fiona")
    source = getattr(funder, named)
    node = factories.make_node(owner=owner)
    granted = factories.make_asset(funding=factories.granted("168000", source=source))
    publish(node, omar, declared=factories.make_declared(assets=(granted,)))
    evidence = factories.make_evidence(owner, omar, visibility="funders")
    attach(evidence, node, omar)
    assert readers(evidence, fatou, fiona) == ["Fatou"]


def test_a_funder_reads_what_stands_behind_a_pool_of_its_node(
    owner: Organisation, node: Node, omar: User, ada: User
) -> None:
    funder, fatou = make_funder("fatou")
    evidence = factories.make_evidence(owner, omar, visibility="funders")
    factories.make_pool({node: "1"}, by=omar, evidence=[evidence])
    assert readers(evidence, fatou) == []
    project = factories.make_project(lead=ada)
    factories.make_charge(node, project, grant=factories.make_grant(project, funder=funder))
    assert readers(evidence, fatou) == ["Fatou"]


def test_what_is_for_everybody_is_so_once_it_is_published(
    owner: Organisation, node: Node, omar: User, ada: User
) -> None:
    evidence = factories.make_evidence(owner, omar, visibility="public")
    assert readers(evidence, omar, ada) == ["Omar"]
    assert not Evidence.objects.told_to(ada).exists()
    attach(evidence, node, omar)
    assert readers(evidence, ada) == ["everybody", "Ada"]


def test_a_token_of_one_project_opens_what_everybody_may_alone(
    owner: Organisation, node: Node, omar: User, stella: User
) -> None:
    evidence = factories.make_evidence(owner, omar)
    attach(evidence, node, omar)
    omar.only_project_id = stella.only_project_id = 1
    assert readers(evidence, omar, stella) == []
    assert not Evidence.objects.told_to(AnonymousUser()).exclude(pk=evidence.pk).exists()


def test_who_may_read_only_becomes_more(owner: Organisation, omar: User, ada: User) -> None:
    evidence = factories.make_evidence(owner, omar, visibility="funders")
    with pytest.raises(NotAllowed):
        service.widen(evidence=evidence, visibility="public", by=ada)
    service.widen(evidence=evidence, visibility="public", by=omar)
    for narrower in ("funders", "steward", "nobody"):
        with pytest.raises(EvidenceRefused, match="only becomes more"):
            service.widen(evidence=evidence, visibility=narrower, by=omar)
    with pytest.raises(DatabaseError, match="redacted, not hidden"), transaction.atomic():
        Evidence.objects.update(visibility="funders")


# --- redacting -----------------------------------------------------------------------------------------
def test_redacting_takes_the_file_and_leaves_the_digest_and_the_reason(
    owner: Organisation, node: Node, omar: User, ada: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    evidence = factories.make_evidence(owner, omar, files.CSV, visibility="public")
    attach(evidence, node, omar)
    with django_capture_on_commit_callbacks(execute=True):
        redact(evidence, omar)
    evidence.refresh_from_db()
    assert f"{evidence.sha256}.csv" not in kept_files(owner)
    assert (evidence.redacted_as, evidence.redaction_reason) == ("owner", "Somebody’s address stood in it.")
    assert evidence.redaction_entry is not None
    body = evidence.redaction_entry.fact["body"]
    assert (body["digest"], body["by"]) == (evidence.sha256, "owner")
    words = evidence.redaction_reason
    assert body["reason_digest"] == hashlib.sha256(words.encode()).hexdigest()
    assert words not in str(evidence.redaction_entry.fact)
    assert summary(evidence.redaction_entry.fact) == "By its owner"
    for refused in (
        partial(redact, evidence, omar),
        partial(service.widen, evidence=evidence, visibility="public", by=omar),
        partial(attach, evidence, node, omar, "staff"),
        partial(factories.make_evidence, owner, omar, files.CSV),
        partial(service.discard, evidence=evidence, by=omar),
    ):
        with pytest.raises(EvidenceRedacted, match="was redacted on .*: Somebody’s address"):
            refused()
    with pytest.raises(DatabaseError, match="redacted evidence"), transaction.atomic():
        Evidence.objects.update(redaction_reason="Another")


def test_a_steward_redacts_too_and_others_do_not(
    owner: Organisation, node: Node, omar: User, ada: User, stella: User
) -> None:
    evidence = factories.make_evidence(owner, omar)
    with pytest.raises(NotAllowed, match="Only stewards and leads"):
        redact(evidence, ada)
    assert redact(evidence, stella).redacted_as == "steward"
    assert not Entry.objects.filter(kind="evidence_redaction").exists()  # it was never published


@pytest.mark.parametrize(
    ("reason", "error"),
    [(" ", EvidenceRefused), ("a\nb", EvidenceRefused), ("x" * 501, EvidenceRefused),
     ("It named eve@example.org", EvidenceRefused)],
)  # fmt: skip
def test_a_redaction_says_why_in_public_words(
    owner: Organisation, node: Node, omar: User, reason: str, error: type[Exception]
) -> None:
    evidence = factories.make_evidence(owner, omar)
    attach(evidence, node, omar)
    with pytest.raises(error) as refusal:
        redact(evidence, omar, reason)
    assert refusal.value.field == "reason"  # type: ignore[attr-defined]


# --- the database's last word --------------------------------------------------------------------------
def test_what_evidence_says_of_itself_cannot_be_changed(owner: Organisation, omar: User) -> None:
    factories.make_evidence(owner, omar)
    for change in ({"sha256": "0" * 64}, {"size": 1}, {"title": "Another"}, {"content": "elsewhere.pdf"}):
        with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
            Evidence.objects.update(**change)
    for change in ({"content": ""}, {"redacted_at": clock.now()}, {"redaction_reason": "Why"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Evidence.objects.update(**change)


@pytest.mark.django_db(transaction=True)
def test_one_file_handed_in_eight_times_at_once_is_kept_once(omar: User) -> None:
    owner = factories.make_organisation(lead=omar)
    hand_in = partial(factories.make_evidence, owner, omar, files.CSV)
    answers, refused = split(at_once(*[hand_in] * 8, meeting_at=Evidence))
    assert refused == []
    assert {one.pk for one in answers} == {Evidence.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_a_file_redacted_while_it_is_attached_is_not_attached_without_its_file(omar: User) -> None:
    owner = factories.make_organisation(lead=omar)
    node = factories.make_node(owner=owner)
    publish(node, omar)
    for _round in range(4):
        evidence = factories.make_evidence(owner, omar)
        at_once(partial(redact, evidence, omar), partial(attach, evidence, node, omar))
        evidence.refresh_from_db()
        was_attached = evidence.of_statements.exists()
        assert evidence.redacted_at is not None
        # Attached first: its redaction is public. Redacted first: it was never attached.
        assert was_attached == (evidence.redaction_entry is not None)


def test_an_own_list_costs_five_queries(owner: Organisation, omar: User) -> None:
    for _number in range(3):
        factories.make_evidence(owner, omar)
    with CaptureQueriesContext(connection) as few:
        assert len(own_evidence(owner)) == 3
    for _number in range(5):
        factories.make_evidence(owner, omar)
    with CaptureQueriesContext(connection) as many:
        assert len(own_evidence(owner)) == 8
    assert len(few) == len(many) <= 5


def test_pool_evidence_stays_as_well(owner: Organisation, node: Node, omar: User) -> None:
    evidence = factories.make_evidence(owner, omar)
    factories.make_pool({node: "1"}, by=omar, evidence=[evidence])
    with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
        PoolEvidence.objects.all().delete()
