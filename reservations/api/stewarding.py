"""What stewards do with projects: suspending, letting go on, their end and their class."""

from __future__ import annotations

from typing import ClassVar

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Project
from accounts.services import classes
from common import clock
from common.api.bodies import Members
from common.api.shapes import MomentField, Shape, moment
from reservations.services import standing


class SuspensionMembers(Members):
    reason = serializers.CharField(max_length=500, help_text="The project’s members read it.")
    stop_jobs = serializers.BooleanField(default=False, help_text="Jobs that run now, too.")

    example: ClassVar = {"reason": "Mining, which the house rules forbid.", "stop_jobs": True}


class EndMembers(Members):
    expires_at = MomentField(allow_null=True, help_text="No slot may end later; null: no end.")

    example: ClassVar = {"expires_at": "2027-11-01T00:00:00Z"}


class ClassMembers(Members):
    project_class = serializers.ChoiceField(Project.Class.values)
    reason = serializers.CharField(max_length=500)
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


def _project(slug: str) -> Project:
    return get_object_or_404(Project, slug=slug)
