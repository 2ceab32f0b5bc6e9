"""Projects and the decisions taken for them, as their members see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import PROJECT_LEAD, PROJECT_MEMBER, SIGNED_IN
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import Project
from common import clock
from common.api.bodies import Members
from common.api.conditions import require_unchanged
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment
from common.ids import global_id
from common.lines import require_one_line
from pricing.domain.declared import plain
from reservations.access import DECISION_MEMBER
from reservations.api.shapes import RuleShape
from reservations.models import Decision, Reservation
from reservations.selectors.decision import decision_json
from reservations.selectors.project import Budget, Standing, project_standing
from reservations.services import projects, standing


class ProjectQuery(ListQuery):
    role = serializers.ChoiceField(["lead", "member"], required=False, help_text="Only where you are that.")


class ProjectShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    slug = serializers.SlugField()
    name = serializers.CharField()
    url = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    project_class = serializers.ChoiceField(Project.Class.values)
    organisation = serializers.SlugField(allow_null=True)
    role = serializers.ChoiceField(["lead", "member"], help_text="Yours.")
    is_personal = serializers.BooleanField()
    may_book = serializers.BooleanField(help_text="Neither suspended nor expired.")
    suspended_at = serializers.DateTimeField(allow_null=True)
    suspension_reason = serializers.CharField(allow_blank=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": "https://equinode.example/01930650-4a3b-7c2d-8e1f-9a8b7c6d5e4f",
        "uid": "01930650-4a3b-7c2d-8e1f-9a8b7c6d5e4f",
        "slug": "protein-shapes",
        "name": "Protein shapes",
        "url": "/projects/protein-shapes/",
        "summary": "How proteins fold.",
        "project_class": "research",
        "organisation": "lab-lyon",
        "role": "member",
        "is_personal": False,
        "may_book": True,
        "suspended_at": None,
        "suspension_reason": "",
        "expires_at": "2027-11-01T00:00:00Z",
        "created_at": "2026-10-01T08:00:00Z",
    }


class PlaceShape(Shape):
    level = serializers.CharField(allow_null=True, help_text="Promised over received share; null: unused.")
    rank = serializers.IntegerField(help_text="1 goes first.")
    of = serializers.IntegerField()
    share = serializers.CharField(help_text="Promised, of everything.")
    accounts = serializers.ListField(child=serializers.CharField())


class RoomShape(Shape):
    limit = serializers.CharField(help_text="Cost-weighted hours.")
    held = serializers.CharField()
    left = serializers.CharField()


class EasedShape(Shape):
    exception = serializers.UUIDField()
    number = serializers.CharField(help_text="Of the policy.")
    value = serializers.CharField(help_text="What holds for the project: an exact number.")
    until = serializers.DateTimeField()


class BudgetShape(Shape):
    name = serializers.CharField()
    funder = serializers.CharField()
    purpose = serializers.CharField()
    amount = serializers.CharField(help_text="EUR.")
    taken = serializers.CharField()
    left = serializers.CharField()


class ProjectDetailShape(ProjectShape):
    place = PlaceShape(allow_null=True, help_text="Null: not in the share tree, so nothing can be booked.")
    room = RoomShape(allow_null=True)
    budgets = BudgetShape(many=True)
    budget_left = serializers.CharField(help_text="EUR.")
    exceptions = EasedShape(many=True, help_text="To the policy, in force now.")

    example: ClassVar = {
        **ProjectShape.example,
        "place": {"level": "1.41", "rank": 2, "of": 9, "share": "0.15", "accounts": ["Universities"]},
        "room": {"limit": "812.5", "held": "96", "left": "716.5"},
        "budgets": [
            {
                "name": "Grant 1",
                "funder": "National programme",
                "purpose": "Folding of membrane proteins",
                "amount": "1000",
                "taken": "212.5",
                "left": "787.5",
            }
        ],
        "budget_left": "787.5",
        "exceptions": [],
    }  # fmt: skip


class DescriptionMembers(Members):
    name = serializers.CharField(max_length=150, validators=[require_one_line])
    summary = serializers.CharField(max_length=300, allow_blank=True, validators=[require_one_line])

    example: ClassVar = {"summary": "How membrane proteins fold."}


class ClosedShape(Shape):
    project = serializers.SlugField()
    cancelled_slots = serializers.IntegerField(help_text="How many this has called off.")

    example: ClassVar = {"project": "protein-shapes", "cancelled_slots": 2}


class ProjectsApi(PersonalApiView):
    """Your projects, by name."""

    access: ClassVar = {"GET": SIGNED_IN}
    scopes: ClassVar = {"GET": scopes.READ}
    queries: ClassVar = {"GET": ProjectQuery}
    answers: ClassVar = {"GET": [ProjectShape]}

    def get(self, request: Request) -> Response:
        at, mine = clock.now(), _mine(request)
        if "role" in self.query:
            mine = mine.filter(memberships__role=self.query["role"])
        page = page_of_rows(
            request, self.query, mine, lambda project: _shown(project, project.role, at), ("name", "pk")
        )
        return Response(page.data, headers=page.headers)


class ProjectApi(PersonalApiView):
    """One project: where it stands, its room and its budget."""

    access: ClassVar = {"GET": PROJECT_MEMBER, "PATCH": PROJECT_LEAD}
    scopes: ClassVar = {"GET": scopes.READ, "PATCH": scopes.PROJECTS}
    bodies: ClassVar = {"PATCH": DescriptionMembers}
    answers: ClassVar = {"GET": ProjectDetailShape, "PATCH": ProjectDetailShape}
    refusals: ClassVar = {"GET": {"no_policy": 409}}
    conditional: ClassVar = frozenset({"PATCH"})

    def get(self, request: Request, project: Project) -> Response:
        return Response(self._detail(project))

    @transaction.atomic
    def patch(self, request: Request, project: Project) -> Response:
        """Change the name or the summary. The address stays, so that links go on working."""
        project = standing.lock(project)
        require_unchanged(request, self._detail(project))
        wanted = {"name": project.name, "summary": project.summary} | self.body
        return Response(self._detail(projects.describe(project=project, by=self.person, **wanted)))

    def _detail(self, project: Project) -> dict[str, Any]:
        at = clock.now()
        role = project.memberships.values_list("role", flat=True).get(user=self.person)
        return _shown(project, role, at) | _standing(project_standing(project=project, at=at))


class ProjectCloseApi(PersonalApiView):
    """End a project now: slots that have not begun are cancelled."""

    access: ClassVar = {"POST": PROJECT_LEAD}
    scopes: ClassVar = {"POST": scopes.PROJECTS}
    answers: ClassVar = {"POST": ClosedShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, project: Project) -> Response:
        count = standing.close(project=project, by=self.person, at=clock.now())
        return Response({"project": project.slug, "cancelled_slots": count})


class RefusedChangeShape(Shape):
    reservation = serializers.UUIDField(help_text="It stays as it is.")
    change = serializers.ChoiceField(Reservation.Change.values)

    example: ClassVar = {"reservation": "019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa", "change": "moved"}


class DecisionShape(Shape):
    decision = serializers.UUIDField()
    engine = serializers.CharField()
    policy = serializers.DictField(help_text="Every number of the rules that were in force.")
    policy_version = serializers.IntegerField()
    request = serializers.DictField()
    snapshot = serializers.DictField(help_text="All that the engine looked at.")
    answer = serializers.DictField()
    sentences = RuleShape(many=True, help_text="Every rule, in words.")
    snapshot_digest = serializers.CharField(help_text="SHA-256 of the snapshot: what it is stored under.")
    digest = serializers.CharField(help_text="SHA-256 over policy, request, snapshot and answer.")
    decided_at = serializers.DateTimeField()
    ledger_entry = serializers.IntegerField(allow_null=True)
    refused_change = RefusedChangeShape(
        allow_null=True, help_text="Which slot a refused move or extension was of; null for a booking."
    )

    example: ClassVar = {
        "decision": "019306a2-0c4e-7c11-b3f8-2a3b0f6d4e77",
        "engine": "1",
        "policy": {"half_life_hours": 336},
        "policy_version": 1,
        "request": {"project": "01930650-4a3b-7c2d-8e1f-9a8b7c6d5e4f"},
        "snapshot": {"devices": []},
        "answer": {"outcome": "granted"},
        "sentences": [],
        "snapshot_digest": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "decided_at": "2026-11-22T18:03:11.120000Z",
        "ledger_entry": 41,
        "refused_change": None,
    }


class DecisionApi(PersonalApiView):
    """A stored answer with everything that is needed to compute it again."""

    access: ClassVar = {"GET": DECISION_MEMBER}
    scopes: ClassVar = {"GET": scopes.READ}
    answers: ClassVar = {"GET": DecisionShape}

    def get(self, request: Request, decision: Decision) -> Response:
        return Response(decision_json(decision=decision))


def _mine(request: Request) -> Any:
    mine = Project.objects.of(request.user).select_related("organisation")
    return mine.annotate(role=F("memberships__role"))


def _shown(project: Project, role: str, at: datetime) -> dict[str, Any]:
    return {
        "id": global_id(project.uid),
        "uid": str(project.uid),
        "slug": project.slug,
        "name": project.name,
        "url": project.get_absolute_url(),
        "summary": project.summary,
        "project_class": project.project_class,
        "organisation": project.organisation.slug if project.organisation else None,
        "role": role,
        "is_personal": project.personal_to_id is not None,
        "may_book": project.may_book_at(at),
        "suspended_at": moment(project.suspended_at),
        "suspension_reason": project.suspension_reason,
        "expires_at": moment(project.expires_at),
        "created_at": moment(project.created_at),
    }


def _standing(left: Standing) -> dict[str, Any]:
    place, room = left.place, left.room
    return {
        "place": {
            "level": None if place.level.value is None else plain(place.level.value),
            "rank": place.rank,
            "of": place.of,
            "share": plain(place.share),
            "accounts": list(place.accounts),
        }
        if place
        else None,
        "room": {name: plain(getattr(room, name)) for name in ("limit", "held", "left")} if room else None,
        "budgets": [_budget(budget) for budget in left.budgets],
        "budget_left": plain(left.budget_left),
        "exceptions": [
            {
                "exception": one.uid,
                "number": one.number,
                "value": str(one.value),
                "until": moment(one.until),
            }
            for one in left.exceptions
        ],
    }


def _budget(budget: Budget) -> dict[str, Any]:
    return {
        "name": budget.name,
        "funder": budget.funder,
        "purpose": budget.purpose,
        "amount": plain(budget.amount),
        "taken": plain(budget.taken),
        "left": plain(budget.left),
    }
