"""An organisation's accounts of the share tree: what stands below, opening projects, parting shares, ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ORGANISATION_LEAD, agreed
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Invitation, Organisation, Project
from common import clock
from common.api.bodies import Members
from common.api.conditions import require_unchanged
from common.api.lists import ListQuery, page_of_lines
from common.api.shapes import MomentField, Shape, moment
from common.lines import require_one_line
from reservations.api.stewarding import EndMembers
from reservations.forms.inside import MOST_SHARES
from reservations.selectors.inside import ShareRow, shares_page, vertices_of
from reservations.selectors.leading import leading
from reservations.services import inside, standing

_CLASSES = Project.Class.values


class ProjectOpeningMembers(Members):
    account = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text="One of your accounts: its `share`."
    )
    name = serializers.CharField(max_length=150, validators=[require_one_line])
    summary = serializers.CharField(
        max_length=300, default="", allow_blank=True, validators=[require_one_line]
    )
    lead_email = serializers.EmailField(
        max_length=254, help_text="Is invited to lead it; yours: you lead it."
    )
    shares = serializers.IntegerField(min_value=0, max_value=MOST_SHARES, default=1)
    project_class = serializers.ChoiceField(_CLASSES, default=Project.Class.INDEPENDENT)
    class_expires_at = MomentField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(
        max_length=500, default="", allow_blank=True, validators=[require_one_line],
        help_text="What shows that it is of this class; a class needs it.",
    )  # fmt: skip

    example: ClassVar = {
        "account": 4,
        "name": "Protein shapes",
        "lead_email": "grace@example.org",
        "shares": 2,
        "project_class": "research",
        "reason": "ANR-26-CE11-0042",
        "class_expires_at": "2027-11-01T00:00:00Z",
    }


class ShareCountMembers(Members):
    shares = serializers.IntegerField(min_value=0, max_value=MOST_SHARES)

    example: ClassVar = {"shares": 3}


class LapsedShape(Shape):
    email = serializers.CharField()
    expired_at = serializers.DateTimeField()

    example: ClassVar = {"email": "linus@example.org", "expired_at": "2026-11-01T09:00:00Z"}


class OrganisationShareShape(Shape):
    share = serializers.IntegerField(help_text="Its number; an account's is what a new project names.")
    below = serializers.IntegerField(help_text="The account it stands in.")
    name = serializers.CharField()
    project = serializers.SlugField(allow_null=True, help_text="Null: an account.")
    project_class = serializers.ChoiceField(_CLASSES, allow_null=True)
    shares = serializers.IntegerField(allow_null=True, help_text="Null: it uses its account's.")
    of_account = serializers.FloatField(allow_null=True, help_text="Its part of the account it stands in.")
    of_all = serializers.FloatField(help_text="Its part of everything.")
    leads = serializers.ListField(child=serializers.CharField())
    invited = serializers.ListField(child=serializers.CharField(), help_text="To lead it; may still answer.")
    lapsed = LapsedShape(many=True, help_text="Were invited to lead it and did not answer in time.")
    expires_at = serializers.DateTimeField(allow_null=True)
    is_suspended = serializers.BooleanField()

    example: ClassVar = {
        "share": 17,
        "below": 4,
        "name": "Protein shapes",
        "project": "protein-shapes",
        "project_class": "research",
        "shares": 2,
        "of_account": 0.5,
        "of_all": 0.125,
        "leads": [],
        "invited": ["grace@example.org"],
        "lapsed": [LapsedShape.example],
        "expires_at": None,
        "is_suspended": False,
    }


class EndedProjectShape(Shape):
    project = serializers.SlugField()
    expires_at = serializers.DateTimeField(allow_null=True)
    cancelled_slots = serializers.IntegerField(help_text="How many this has called off.")

    example: ClassVar = {
        "project": "protein-shapes",
        "expires_at": "2027-11-01T00:00:00Z",
        "cancelled_slots": 0,
    }


class ResentInvitationShape(Shape):
    email = serializers.EmailField()
    expires_at = serializers.DateTimeField()

    example: ClassVar = {"email": "grace@example.org", "expires_at": "2026-12-06T18:30:00Z"}


class LeadMembers(Members):
    email = serializers.EmailField(max_length=254, help_text="Yours: you lead it at once.")

    example: ClassVar = {"email": "grace@example.org"}


class LeadingShape(Shape):
    leads = serializers.ListField(child=serializers.CharField())
    email = serializers.EmailField(allow_null=True, help_text="Whom the latest invitation went to.")
    state = serializers.ChoiceField(
        ["open", "accepted", "expired", *Invitation.Ending.values], allow_null=True, help_text="Of that one."
    )
    sent_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "leads": [],
        "email": "grace@example.org",
        "state": "declined",
        "sent_at": "2026-11-22T18:30:00Z",
        "expires_at": "2026-12-06T18:30:00Z",
    }


class SharesApi(PersonalApiView):
    """An organisation's accounts and all that stands below them, oldest first."""

    access: ClassVar = {"GET": ORGANISATION_LEAD, "POST": agreed(ORGANISATION_LEAD)}
    scopes: ClassVar = dict.fromkeys(("GET", "POST"), scopes.ORGANISATIONS)
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": ProjectOpeningMembers}
    answers: ClassVar = {"GET": [OrganisationShareShape], "POST": OrganisationShareShape}
    pointers: ClassVar = {"shares_among_siblings": "#/shares", "email": "#/lead_email"}

    def get(self, request: Request, organisation: Organisation) -> Response:
        rows = sorted(shares_page(organisation=organisation, at=clock.now()).rows, key=lambda row: row.pk)
        page = page_of_lines(request, self.query, rows, _shown, lambda row: [row.pk])
        return Response(page.data, headers=page.headers)

    def post(self, request: Request, organisation: Organisation) -> Response:
        """Open a project inside your share."""
        asked = dict(self.body)
        account = get_object_or_404(vertices_of(organisation), pk=asked.pop("account"))
        opened = inside.open_inside(
            organisation=organisation, account=account, shares_among_siblings=asked.pop("shares"),
            by=self.person, at=clock.now(), **asked,
        )  # fmt: skip
        made = _row(organisation, opened.vertex.pk)
        location = f"/api/v1/organisations/{organisation.slug}/shares/{made.pk}"
        return Response(_shown(made), status=201, headers={"Location": location})


class ShareApi(PersonalApiView):
    """An account of an organisation, or a project below one."""

    access: ClassVar = {"GET": ORGANISATION_LEAD, "PATCH": agreed(ORGANISATION_LEAD)}
    scopes: ClassVar = dict.fromkeys(("GET", "PATCH"), scopes.ORGANISATIONS)
    bodies: ClassVar = {"PATCH": ShareCountMembers}
    answers: ClassVar = {"GET": OrganisationShareShape, "PATCH": OrganisationShareShape}
    conditional: ClassVar = frozenset({"PATCH"})

    def get(self, request: Request, organisation: Organisation, pk: int) -> Response:
        return Response(_shown(_row(organisation, pk)))

    @transaction.atomic
    def patch(self, request: Request, organisation: Organisation, pk: int) -> Response:
        """Change what it has among its siblings. What an account of your own has is a steward's to give."""
        vertex = get_object_or_404(_locked(organisation), pk=pk)
        require_unchanged(request, _shown(_row(organisation, pk)))
        if "shares" in self.body:
            inside.change_shares(
                organisation=organisation, vertex=vertex, count=self.body["shares"], by=self.person
            )
        return Response(_shown(_row(organisation, pk)))


class ShareEndApi(PersonalApiView):
    """Set when a project below an account of yours ends; slots beyond are cancelled."""

    access: ClassVar = {"POST": agreed(ORGANISATION_LEAD)}
    scopes: ClassVar = {"POST": scopes.ORGANISATIONS}
    bodies: ClassVar = {"POST": EndMembers}
    answers: ClassVar = {"POST": EndedProjectShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, organisation: Organisation, pk: int) -> Response:
        project, ends = _project(organisation, pk), self.body["expires_at"]
        count = standing.set_expiry(project=project, expires_at=ends, by=self.person, at=clock.now())
        told = {"project": project.slug, "expires_at": moment(ends), "cancelled_slots": count}
        return Response(told)


class ShareInvitationApi(PersonalApiView):
    """Who leads a project below an account of yours, and what became of the invitation to lead it."""

    access: ClassVar = {
        "GET": ORGANISATION_LEAD,
        "POST": agreed(ORGANISATION_LEAD),
        "DELETE": agreed(ORGANISATION_LEAD),
    }
    scopes: ClassVar = dict.fromkeys(("GET", "POST", "DELETE"), scopes.ORGANISATIONS)
    bodies: ClassVar = {"POST": LeadMembers}
    answers: ClassVar = {"GET": LeadingShape, "POST": LeadingShape, "DELETE": None}

    def get(self, request: Request, organisation: Organisation, pk: int) -> Response:
        return Response(_leading_shown(organisation, _project(organisation, pk), pk, clock.now()))

    def post(self, request: Request, organisation: Organisation, pk: int) -> Response:
        """Invite somebody to lead a project that nobody leads. With your own address you lead it at once."""
        project, at = _project(organisation, pk), clock.now()
        inside.invite_lead(
            organisation=organisation, project=project, email=self.body["email"], by=self.person, at=at
        )
        return Response(_leading_shown(organisation, project, pk, at), status=201)

    def delete(self, request: Request, organisation: Organisation, pk: int) -> Response:
        """Withdraw the invitation: the link in its mail leads nowhere any more."""
        project = _project(organisation, pk)
        inside.withdraw_lead(organisation=organisation, project=project, by=self.person, at=clock.now())
        return Response(status=204)


class ShareResendApi(PersonalApiView):
    """Mail the invitation to lead a project again: a new link, 14 more days."""

    access: ClassVar = {"POST": agreed(ORGANISATION_LEAD)}
    scopes: ClassVar = {"POST": scopes.ORGANISATIONS}
    answers: ClassVar = {"POST": ResentInvitationShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, organisation: Organisation, pk: int) -> Response:
        again = inside.invite_lead_again(
            organisation=organisation, project=_project(organisation, pk), by=self.person, at=clock.now()
        )
        return Response({"email": again.email, "expires_at": moment(again.expires_at)})


def _locked(organisation: Organisation) -> Any:
    return vertices_of(organisation).select_for_update(no_key=True, of=("self",))


def _project(organisation: Organisation, pk: int) -> Project:
    found = vertices_of(organisation).filter(project__isnull=False).select_related("project")
    project = get_object_or_404(found, pk=pk).project
    assert project is not None  # filtered
    return project


def _row(organisation: Organisation, pk: int) -> ShareRow:
    rows = shares_page(organisation=organisation, at=clock.now()).rows
    found = next((row for row in rows if row.pk == pk), None)
    if found is None:
        raise Http404
    return found


def _leading_shown(organisation: Organisation, project: Project, pk: int, at: datetime) -> dict[str, Any]:
    found = leading(project=project, row=_row(organisation, pk), organisation=organisation, at=at)
    return {
        "leads": list(found.leads),
        "email": found.email or None,
        "state": found.state or None,
        "sent_at": moment(found.sent_at),
        "expires_at": moment(found.expires_at),
    }


def _shown(row: ShareRow) -> dict[str, Any]:
    return {
        "share": row.pk,
        "below": row.below,
        "name": row.name,
        "project": row.slug or None,
        "project_class": row.project_class or None,
        "shares": row.shares,
        "of_account": row.of_account,
        "of_all": row.of_all,
        "leads": list(row.leads),
        "invited": list(row.invited),
        "lapsed": [{"email": one.email, "expired_at": moment(one.expired_at)} for one in row.lapsed],
        "expires_at": moment(row.expires_at),
        "is_suspended": row.is_suspended,
    }
