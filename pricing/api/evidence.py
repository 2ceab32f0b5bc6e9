"""Evidence: handed in, listed, read, shown to more people, redacted, put behind what is published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE, ORGANISATION_LEAD, ORGANISATION_MEMBER, agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Organisation
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_lines, page_of_rows
from common.api.shapes import Shape, moment
from common.evidence.kinds import LARGEST
from common.evidence.serving import download
from common.evidence.uploads import SLACK
from common.ids import global_id
from common.lines import require_one_line
from ledger.models import Entry
from pricing.access import EVIDENCE_FILE, EVIDENCE_LEAD, EVIDENCE_PAGE, POOL_LEAD, REDACTOR, STATEMENT_LEAD
from pricing.errors import EvidenceRedacted
from pricing.models import CostPool, CostStatement, Evidence, PoolEvidence, StatementEvidence
from pricing.selectors.evidence import (
    EvidenceRow,
    evidence_choices,
    evidence_of_pool,
    evidence_of_statement,
    readable,
    statements_told_to,
)
from pricing.selectors.pools import published_pools, statements_of
from pricing.services import evidence as service
from pricing.services.evidence import LONGEST_REASON, LONGEST_TITLE

_VISIBILITIES = Evidence.Visibility.values
_SHA256 = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"


class UploadMembers(Members):
    title = serializers.CharField(
        max_length=LONGEST_TITLE, validators=[require_one_line], help_text="Everybody reads it."
    )
    visibility = serializers.ChoiceField(_VISIBILITIES, default="steward")
    file = serializers.FileField(
        max_length=500, help_text="PDF, PNG, JPEG, WebP or CSV in UTF-8, 10 MiB at most."
    )

    example: ClassVar = {"title": "Invoice of the rack, 2026", "visibility": "funders", "file": "%PDF-1.7 …"}


class VisibilityMembers(Members):
    visibility = serializers.ChoiceField(_VISIBILITIES, help_text="Only more people than now.")

    example: ClassVar = {"visibility": "public"}


class RedactionMembers(Members):
    reason = serializers.CharField(
        max_length=LONGEST_REASON, validators=[require_one_line], help_text="Public, for ever."
    )

    example: ClassVar = {"reason": "The invoice showed somebody’s private address."}


class AttachMembers(Members):
    evidence = serializers.UUIDField()

    example: ClassVar = {"evidence": "01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f"}


class AttachPartMembers(AttachMembers):
    part = serializers.CharField(
        max_length=60, default="", allow_blank=True,
        help_text="A component’s kind, `assets.0` or `pools.0` as declared; empty: the whole statement.",
    )  # fmt: skip

    example: ClassVar = {**AttachMembers.example, "part": "hosting"}


class EvidenceShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    url = serializers.CharField()
    organisation = serializers.SlugField()
    title = serializers.CharField()
    format = serializers.CharField(help_text="pdf, png, jpg, webp or csv.")
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField(help_text="Of the file as it is kept.")
    stripped = serializers.BooleanField(help_text="What a camera noted was left out.")
    visibility = serializers.ChoiceField(_VISIBILITIES)
    may_read = serializers.BooleanField(help_text="Whether you may download it.")
    added_at = serializers.DateTimeField()
    redacted_at = serializers.DateTimeField(allow_null=True)
    redacted_by = serializers.CharField(allow_null=True, help_text="owner or steward.")
    redaction_reason = serializers.CharField(allow_blank=True)

    example: ClassVar = {
        "id": "https://equinode.example/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "uid": "01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f",
        "url": "/evidence/01930700-5b6c-7d7e-8f80-9a0b1c2d3e4f/",
        "organisation": "lab-lyon",
        "title": "Invoice of the rack, 2026",
        "format": "pdf",
        "size": 48213,
        "sha256": _SHA256,
        "stripped": False,
        "visibility": "funders",
        "may_read": True,
        "added_at": "2026-11-22T18:45:00Z",
        "redacted_at": None,
        "redacted_by": None,
        "redaction_reason": "",
    }


class AttachedEvidenceShape(Shape):
    """A file behind something published."""

    evidence = EvidenceShape()
    part = serializers.CharField(allow_blank=True, help_text="Of the statement; empty: all of it.")
    attached_at = serializers.DateTimeField()
    entry = serializers.IntegerField(allow_null=True, help_text="Index in the ledger; null: not yet.")

    example: ClassVar = {
        "evidence": EvidenceShape.example,
        "part": "hosting",
        "attached_at": "2026-11-22T18:46:00Z",
        "entry": 412,
    }


class EvidenceFilesApi(PersonalApiView):
    """An organisation's evidence, newest first."""

    access: ClassVar = {"GET": ORGANISATION_MEMBER, "POST": agreed(ORGANISATION_LEAD)}
    scopes: ClassVar = {"GET": scopes.NODES, "POST": scopes.NODES}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": UploadMembers}
    answers: ClassVar = {"GET": [EvidenceShape], "POST": EvidenceShape}
    largest_body: ClassVar = LARGEST + SLACK
    parser_classes = (MultiPartParser,)

    def answered(self, request: Request, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
        """The file's digest is key enough: the same file again is the same evidence."""
        return answer()

    def get(self, request: Request, organisation: Organisation) -> Response:
        rows = organisation.evidence_files.select_related("organisation")
        page = page_of_rows(request, self.query, rows, lambda one: shown(one, may_read=True))
        return Response(page.data, headers=page.headers)

    def post(self, request: Request, organisation: Organisation) -> Response:
        """Hand a file in, as multipart/form-data. The same file again answers the one that is there."""
        added = service.add_evidence(
            organisation=organisation, title=self.body["title"], file=self.body["file"],
            visibility=self.body["visibility"], by=self.person, at=clock.now(),
        )  # fmt: skip
        return Response(shown(added, may_read=True), status=201)


class EvidenceApi(PersonalApiView):
    """One file: what it is, its digest, who may read it."""

    access: ClassVar = {"GET": EVIDENCE_PAGE, "PATCH": agreed(EVIDENCE_LEAD), "DELETE": EVIDENCE_LEAD}
    scopes: ClassVar = {"GET": scopes.READ, "PATCH": scopes.NODES, "DELETE": scopes.NODES}
    bodies: ClassVar = {"PATCH": VisibilityMembers}
    answers: ClassVar = {"GET": EvidenceShape, "PATCH": EvidenceShape, "DELETE": None}

    def get(self, request: Request, evidence: Evidence) -> Response:
        return Response(_one(evidence, request))

    def patch(self, request: Request, evidence: Evidence) -> Response:
        """Show it to more people."""
        wanted = self.body.get("visibility", evidence.visibility)
        return Response(_one(service.widen(evidence=evidence, visibility=wanted, by=self.person), request))

    def delete(self, request: Request, evidence: Evidence) -> Response:
        """Discard a file that stands behind nothing, neither published nor drafted."""
        service.discard(evidence=evidence, by=self.person)
        return Response(status=204)


class EvidenceFileApi(PersonalApiView):
    """The file itself: always a download."""

    access: ClassVar = {"GET": EVIDENCE_FILE}
    scopes: ClassVar = {"GET": scopes.READ}
    answers: ClassVar = {"GET": "application/octet-stream"}
    refusals: ClassVar = {"GET": {"evidence_redacted": 409}}

    def get(self, request: Request, evidence: Evidence) -> HttpResponseBase:
        if evidence.redacted_at is not None:
            raise EvidenceRedacted(
                service.redacted_sentence(evidence), redacted_at=moment(evidence.redacted_at)
            )
        path = evidence.content.name or ""
        return download(
            request._request, path=path, sha256=evidence.sha256, media_type="application/octet-stream"
        )


class EvidenceRedactApi(PersonalApiView):
    """Take a file away for good: its digest and the reason stay."""

    access: ClassVar = {"POST": agreed(REDACTOR)}
    scopes: ClassVar = {"POST": scopes.NODES}
    bodies: ClassVar = {"POST": RedactionMembers}
    answers: ClassVar = {"POST": EvidenceShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, evidence: Evidence) -> Response:
        redacted = service.redact(
            evidence=evidence, reason=self.body["reason"], by=self.person, at=clock.now()
        )
        return Response(_one(redacted, request))


class StatementEvidenceApi(PersonalApiView):
    """What stands behind a published cost statement, in the order it was attached."""

    access: ClassVar = {"GET": ANYONE, "POST": agreed(STATEMENT_LEAD)}
    scopes: ClassVar = {"GET": scopes.READ, "POST": scopes.NODES}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": AttachPartMembers}
    answers: ClassVar = {"GET": [AttachedEvidenceShape], "POST": AttachedEvidenceShape}

    def get(self, request: Request, uid: UUID) -> Response:
        statement = get_object_or_404(statements_told_to(request.user), uid=uid)
        return _page(self, request, evidence_of_statement(statement, request.user))

    def post(self, request: Request, statement: CostStatement) -> Response:
        """Put a file behind it, for good."""
        found = _own(statement.node.owner, self.body["evidence"])
        attached = service.attach_to_statement(
            statement=statement, part=self.body["part"], evidence=found, by=self.person, at=clock.now()
        )
        return Response(_new(attached, attached.part), status=201)


class PoolEvidenceApi(PersonalApiView):
    """What stands behind the newest statement of a cost pool, in the order it was attached."""

    access: ClassVar = {"GET": ANYONE, "POST": agreed(POOL_LEAD)}
    scopes: ClassVar = {"GET": scopes.READ, "POST": scopes.NODES}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": AttachMembers}
    answers: ClassVar = {"GET": [AttachedEvidenceShape], "POST": AttachedEvidenceShape}

    def get(self, request: Request, uid: UUID) -> Response:
        pool = get_object_or_404(published_pools(), uid=uid)
        newest = statements_of(pool)[0]
        return _page(self, request, evidence_of_pool(newest, request.user))

    def post(self, request: Request, pool: CostPool) -> Response:
        """Put a file behind it, for good."""
        found = _own(pool.organisation, self.body["evidence"])
        attached = service.attach_to_pool(
            statement=statements_of(pool)[0], evidence=found, by=self.person, at=clock.now()
        )
        return Response(_new(attached, ""), status=201)


def shown(evidence: Evidence, *, may_read: bool) -> dict[str, Any]:
    return {
        "id": global_id(evidence.uid),
        "uid": str(evidence.uid),
        "url": evidence.get_absolute_url(),
        "organisation": evidence.organisation.slug,
        "title": evidence.title,
        "format": evidence.kind,
        "size": evidence.size,
        "sha256": evidence.sha256,
        "stripped": evidence.is_stripped,
        "visibility": str(evidence.visibility),
        "may_read": may_read and evidence.redacted_at is None,
        "added_at": moment(evidence.added_at),
        "redacted_at": moment(evidence.redacted_at),
        "redacted_by": str(evidence.redacted_as) or None,
        "redaction_reason": evidence.redaction_reason,
    }


def _one(evidence: Evidence, request: Request) -> dict[str, Any]:
    return shown(evidence, may_read=bool(readable([evidence], request.user)))


def _own(owner: Organisation, uid: UUID) -> Evidence:
    return get_object_or_404(evidence_choices(owner), uid=uid)


def _page(view: PersonalApiView, request: Request, rows: tuple[EvidenceRow, ...]) -> Response:
    page = page_of_lines(request, view.query, rows, _row, lambda row: [row.pk])
    return Response(page.data, headers=page.headers)


def _row(row: EvidenceRow) -> dict[str, Any]:
    return _attached(row.evidence, row.may_read, row.part, moment(row.attached_at), row.entry)


def _new(attached: StatementEvidence | PoolEvidence, part: str) -> dict[str, Any]:
    return _attached(attached.evidence, True, part, moment(attached.attached_at), attached.entry)


def _attached(
    evidence: Evidence, may_read: bool, part: str, attached_at: str | None, entry: Entry
) -> dict[str, Any]:
    return {
        "evidence": shown(evidence, may_read=may_read),
        "part": part,
        "attached_at": attached_at,
        "entry": entry.index,
    }
