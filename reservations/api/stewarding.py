"""What stewards do with projects: suspending, letting go on, their end, their class and their place."""

from __future__ import annotations

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD, STEWARD_ACTS
from accounts.api.people import ActShape, act_shown
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Project
from accounts.services import classes
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_lines
from common.api.shapes import MomentField, Shape, moment
from common.lines import require_one_line
from reservations.models import Vertex
from reservations.selectors.applications import AccountChoice, account_choices
from reservations.selectors.stewarding import steward_project_page
from reservations.services import moving, standing


class SuspensionMembers(Members):
    reason = serializers.CharField(
        max_length=500, validators=[require_one_line], help_text="The project’s members read it."
    )
    stop_jobs = serializers.BooleanField(default=False, help_text="Jobs that run now, too.")

    example: ClassVar = {"reason": "Mining, which the house rules forbid.", "stop_jobs": True}


class EndMembers(Members):
    expires_at = MomentField(allow_null=True, help_text="No slot may end later; null: no end.")

    example: ClassVar = {"expires_at": "2027-11-01T00:00:00Z"}


class ClassMembers(Members):
    project_class = serializers.ChoiceField(Project.Class.values)
    reason = serializers.CharField(max_length=500, validators=[require_one_line])
    expires_at = MomentField(required=False, allow_null=True, default=None)

    example: ClassVar = {"project_class": "student", "reason": "Course list of 2026/27, seen."}


class HeldProjectShape(Shape):
    project = serializers.SlugField()
    project_class = serializers.ChoiceField(Project.Class.values)
    class_expires_at = serializers.DateTimeField(allow_null=True)
    suspended_at = serializers.DateTimeField(allow_null=True)
    suspension_reason = serializers.CharField(allow_blank=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    cancelled_slots = serializers.IntegerField(help_text="How many this has called off.")

    example: ClassVar = {
        "project": "protein-shapes",
        "project_class": "research",
        "class_expires_at": None,
        "suspended_at": "2026-11-22T18:50:00Z",
        "suspension_reason": "Mining, which the house rules forbid.",
        "expires_at": None,
        "cancelled_slots": 2,
    }


class _Held(PersonalApiView):
    access: ClassVar = {}
    scopes: ClassVar = {}

    def _told(self, slug: str, cancelled: int = 0) -> Response:
        project = _project(slug)
        return Response(
            {
                "project": project.slug,
                "project_class": project.project_class,
                "class_expires_at": moment(project.class_expires_at),
                "suspended_at": moment(project.suspended_at),
                "suspension_reason": project.suspension_reason,
                "expires_at": moment(project.expires_at),
                "cancelled_slots": cancelled,
            }
        )


class SuspendApi(_Held):
    """Suspend a project: it books nothing, and slots that have not begun are cancelled."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": SuspensionMembers}
    answers: ClassVar = {"POST": HeldProjectShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, slug: str) -> Response:
        count = standing.suspend(project=_project(slug), by=self.person, at=clock.now(), **self.body)
        return self._told(slug, count)


class ResumeApi(_Held):
    """Let a suspended project book again."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    answers: ClassVar = {"POST": HeldProjectShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, slug: str) -> Response:
        standing.resume(project=_project(slug), by=self.person, at=clock.now())
        return self._told(slug)


class EndApi(_Held):
    """Set when a project ends; slots beyond are cancelled."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": EndMembers}
    answers: ClassVar = {"POST": HeldProjectShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, slug: str) -> Response:
        expires_at = self.body["expires_at"]
        count = standing.set_expiry(
            project=_project(slug), expires_at=expires_at, by=self.person, at=clock.now()
        )
        return self._told(slug, count)


class ClassApi(_Held):
    """Give a project its class, on evidence that is named."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": ClassMembers}
    answers: ClassVar = {"POST": HeldProjectShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, slug: str) -> Response:
        classes.give_class(project=_project(slug), by=self.person, at=clock.now(), **self.body)
        return self._told(slug)


class ProjectPlaceMembers(Members):
    account = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text="The account below which it stands: its number."
    )
    shares = serializers.IntegerField(min_value=0, max_value=moving.MOST_SHARES)
    reason = serializers.CharField(
        max_length=moving.LONGEST_REASON,
        validators=[require_one_line],
        help_text="Kept; the project's leads read it.",
    )

    example: ClassVar = {"account": 4, "shares": 3, "reason": "The laboratory joined the programme."}


class ProjectPlaceShape(Shape):
    project = serializers.SlugField()
    account = serializers.IntegerField(allow_null=True, help_text="Null: it has no place yet.")
    path = serializers.CharField(allow_blank=True, help_text="The accounts above it.")
    shares = serializers.IntegerField(allow_null=True)
    acts = ActShape(many=True, help_text="What stewards did with it, the latest first.")

    example: ClassVar = {
        "project": "protein-shapes",
        "account": 4,
        "path": "Universities / Lyon",
        "shares": 3,
        "acts": [ActShape.example],
    }


class PlaceApi(PersonalApiView):
    """Where a project stands in the share tree, and what stewards did with it."""

    access: ClassVar = {"GET": STEWARD, "POST": STEWARD_ACTS}
    scopes: ClassVar = dict.fromkeys(("GET", "POST"), scopes.STEWARD)
    bodies: ClassVar = {"POST": ProjectPlaceMembers}
    answers: ClassVar = {"GET": ProjectPlaceShape, "POST": ProjectPlaceShape}
    makes: ClassVar = {"POST": False}

    def get(self, request: Request, slug: str) -> Response:
        return Response(_place(_project(slug)))

    def post(self, request: Request, slug: str) -> Response:
        """Give it another account or other shares; what it used and what is booked go with it."""
        project = _project(slug)
        account = get_object_or_404(Vertex, pk=self.body["account"])
        moving.move(
            project=project, account=account, shares_among_siblings=self.body["shares"],
            reason=self.body["reason"], by=self.person, at=clock.now(),
        )  # fmt: skip
        return Response(_place(project))


class ShareAccountShape(Shape):
    account = serializers.IntegerField(help_text="Its number, which applications and places name.")
    path = serializers.CharField()
    projects = serializers.IntegerField(help_text="That stand right below it.")
    shares = serializers.IntegerField(help_text="Its own.")

    example: ClassVar = {"account": 4, "path": "Universities / Lyon", "projects": 12, "shares": 3}


class AccountsApi(PersonalApiView):
    """Accounts of the share tree that a project can stand below, oldest first: for stewards."""

    access: ClassVar = {"GET": STEWARD}
    scopes: ClassVar = {"GET": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    answers: ClassVar = {"GET": [ShareAccountShape]}

    def get(self, request: Request) -> Response:
        accounts = sorted(account_choices(), key=lambda one: one.vertex.pk)
        page = page_of_lines(request, self.query, accounts, _account, lambda one: [one.vertex.pk])
        return Response(page.data, headers=page.headers)


def _account(choice: AccountChoice) -> dict[str, Any]:
    return {
        "account": choice.vertex.pk,
        "path": choice.path,
        "projects": choice.projects,
        "shares": choice.shares,
    }


def _place(project: Project) -> dict[str, Any]:
    page = steward_project_page(project=project, ends=None, at=clock.now())
    return {
        "project": project.slug,
        "account": page.account_pk,
        "path": page.account,
        "shares": page.shares,
        "acts": [act_shown(one) for one in page.acts],
    }


def _project(slug: str) -> Project:
    return get_object_or_404(Project, slug=slug)
