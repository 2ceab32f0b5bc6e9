"""The policy, its versions and drafts: everybody reads what is published, stewards write."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD, STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.services.stewarding import LONGEST
from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import MomentField, Shape
from common.api.view import ApiView
from common.lines import require_one_line
from reservations.domain.policy import Policy as Rules
from reservations.errors import NoPolicy
from reservations.models import Policy, PolicyDraft
from reservations.selectors import open_data, policy_drafts as selectors
from reservations.selectors.policy_page import CALLED_OFF, IN_FORCE, OVER, TO_COME, policy_page, versions
from reservations.services import policy as services, policy_drafts as drafts

# Of an example: a policy that says nothing of the newer rules.
_RULES = Rules().to_json()
# Exact numbers and names, such as -1, 1/5, 0.5, off_peak: nothing that takes long to read.
_PLAIN = re.compile(r"-?[0-9]{1,9}(/[0-9]{1,9}|\.[0-9]{1,9})?|[a-z_]{1,20}")
_MOST = 1000  # members and items in all


def _read(value: Any) -> Rules:
    """The numbers as a policy. ValidationError where they are not all of one, and no others."""
    try:
        _require_plain([value], left=_MOST)
        return Rules.from_json(value)
    except (ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError, OverflowError) as exc:
        raise serializers.ValidationError(
            _("These are not the members of a policy: /policy.schema.json names them all.")
        ) from exc


def _require_plain(values: list[Any], *, left: int) -> int:
    for value in values:
        left -= 1
        if left < 0:
            raise ValueError("too much")
        if isinstance(value, dict | list):
            left = _require_plain([*(value.values() if isinstance(value, dict) else value)], left=left)
        elif isinstance(value, str) and _PLAIN.fullmatch(value) is None:
            raise ValueError(value)
        elif isinstance(value, int | float) and abs(value) >= 10**9:
            raise ValueError("too large")
    return left


class RulesField(serializers.JSONField):
    def to_internal_value(self, data: Any) -> Any:
        return _read(super().to_internal_value(data))


def _rules() -> RulesField:
    return RulesField(help_text="Every number of the rules, as /policy.schema.json names them.")


def _reason() -> serializers.CharField:
    return serializers.CharField(
        max_length=LONGEST, validators=[require_one_line], help_text="Public for good. Name no person."
    )


def _begins() -> MomentField:
    return MomentField(required=False, allow_null=True, default=None, help_text="Null: at once.")


class PolicyMembers(Members):
    rules = _rules()
    effective_from = _begins()
    follows = serializers.IntegerField(
        required=False, allow_null=True, default=None,
        help_text="The version that these were compared with: refused where another came in between.",
    )  # fmt: skip
    reason = _reason()

    example: ClassVar = {
        "rules": _RULES, "effective_from": "2027-01-01T00:00:00Z", "follows": 2,
        "reason": "A fifth is kept for students and citizens.",
    }  # fmt: skip


class PolicyCallOffMembers(Members):
    reason = _reason()

    example: ClassVar = {"reason": "Projects need the longer slots."}


class PolicyDraftMembers(Members):
    rules = _rules()

    example: ClassVar = {"rules": _RULES}


class PolicyDraftChangeMembers(Members):
    rules = _rules()
    revision = serializers.IntegerField(help_text="The one that was read.")

    example: ClassVar = {"rules": _RULES, "revision": 1}


class PolicyDraftPublishMembers(Members):
    effective_from = _begins()
    follows = serializers.IntegerField(required=False, allow_null=True, default=None)
    revision = serializers.IntegerField(required=False, allow_null=True, default=None)
    reason = _reason()

    example: ClassVar = {
        "effective_from": None, "follows": 2, "revision": 3, "reason": "A fifth is kept for students.",
    }  # fmt: skip


class PolicyShape(Shape):
    policy = serializers.IntegerField(help_text="Its version.")
    state = serializers.ChoiceField([IN_FORCE, TO_COME, OVER, CALLED_OFF])
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True)
    published_at = serializers.DateTimeField()
    reason = serializers.CharField()
    digest = serializers.CharField()
    ledger_entry = serializers.IntegerField(allow_null=True)
    follows = serializers.IntegerField(allow_null=True, help_text="The version before it.")
    called_off_at = serializers.DateTimeField(allow_null=True)
    called_off_reason = serializers.CharField(allow_blank=True)
    rules = serializers.DictField(help_text="Every number of the rules: /policy.schema.json.")

    example: ClassVar = {
        "policy": 1,
        "state": "in_force",
        "effective_from": "2026-09-23T00:00:00Z",
        "effective_until": None,
        "published_at": "2026-09-23T00:00:00Z",
        "reason": "First policy",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "ledger_entry": 3,
        "follows": None,
        "called_off_at": None,
        "called_off_reason": "",
        "rules": _RULES,
    }


class PolicyFaultShape(Shape):
    field = serializers.CharField()
    text = serializers.CharField()


class PolicyDifferenceShape(Shape):
    name = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    means = serializers.CharField()


class PolicyDraftShape(Shape):
    draft = serializers.UUIDField()
    revision = serializers.IntegerField()
    based_on = serializers.IntegerField(allow_null=True, help_text="The version that it was begun from.")
    follows = serializers.IntegerField(allow_null=True, help_text="The version that it would follow.")
    changed_at = serializers.DateTimeField()
    rules = serializers.DictField()
    faults = PolicyFaultShape(many=True)
    differences = PolicyDifferenceShape(many=True)

    example: ClassVar = {
        "draft": "019306a2-0c4e-7c11-b3f8-2a3b0f6d4e78", "revision": 1, "based_on": 1, "follows": 1,
        "changed_at": "2026-11-22T18:03:11.120000Z", "rules": _RULES, "faults": [],
        "differences": [
            {"name": "Horizon", "before": "28 days", "after": "42 days", "means": "Slots reach further."}
        ],
    }  # fmt: skip


class PolicyApi(ApiView):
    """The rules in force."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": PolicyShape}
    refusals: ClassVar = {"GET": {"no_policy": 409}}

    def get(self, request: Request) -> Response:
        return Response(open_data.policy_json(policy_page(at=clock.now()).version))


class PoliciesApi(PersonalApiView):
    """Every version of the policy there ever was, newest first."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": PolicyMembers}
    answers: ClassVar = {"GET": [PolicyShape], "POST": PolicyShape}
    refusals: ClassVar = {"POST": {"policy_refused": 400}}

    def get(self, request: Request) -> Response:
        at = clock.now()
        every = {version.number: version for version in versions(at=at)}
        page = page_of_rows(
            request, self.query, Policy.objects.all(),
            lambda one: open_data.policy_json(every[one.version]), ("-version",),
        )  # fmt: skip
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Publish the next version, now or for a moment to come. `faults` names all that is wrong."""
        at = clock.now()
        policy = services.publish_policy(**self.body, by=self.person, at=at)
        location = {"Location": f"{request.path}/{policy.version}"}
        return Response(_shown(policy.version, at), status=201, headers=location)


class PolicyVersionApi(ApiView):
    """One version of the policy."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": PolicyShape}

    def get(self, request: Request, number: int) -> Response:
        return Response(_shown(number, clock.now()))


class PolicyCallOffApi(PersonalApiView):
    """Call an announced version off before it begins; the one in force goes on."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": PolicyCallOffMembers}
    answers: ClassVar = {"POST": PolicyShape}
    makes: ClassVar = {"POST": False}
    refusals: ClassVar = {"POST": {"policy_refused": 400}}

    def post(self, request: Request, number: int) -> Response:
        at, found = clock.now(), get_object_or_404(Policy, version=number)
        services.call_off_policy(policy=found, by=self.person, at=at, **self.body)
        return Response(_shown(number, at))


class PolicyDraftsApi(PersonalApiView):
    """The drafts of stewards, the one changed last first."""

    access: ClassVar = {"GET": STEWARD, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": scopes.STEWARD, "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": PolicyDraftMembers}
    answers: ClassVar = {"GET": [PolicyDraftShape], "POST": PolicyDraftShape}

    def get(self, request: Request) -> Response:
        found = PolicyDraft.objects.select_related("based_on", "changed_by")
        page = page_of_rows(request, self.query, found, _draft_shown)
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Write numbers down without publishing them: the answer says what is wrong and what differs."""
        draft = drafts.start_draft(by=self.person, at=clock.now(), rules=self.body["rules"])
        location = {"Location": f"{request.path}/{draft.uid}"}
        return Response(_draft_shown(draft), status=201, headers=location)


class PolicyDraftApi(PersonalApiView):
    """One draft."""

    access: ClassVar = {"GET": STEWARD, "PUT": STEWARD_ACTS, "DELETE": STEWARD_ACTS}
    scopes: ClassVar = {"GET": scopes.STEWARD, "PUT": scopes.STEWARD, "DELETE": scopes.STEWARD}
    bodies: ClassVar = {"PUT": PolicyDraftChangeMembers}
    answers: ClassVar = {"GET": PolicyDraftShape, "PUT": PolicyDraftShape, "DELETE": None}
    refusals: ClassVar = {"PUT": {"policy_refused": 400}, "DELETE": {"policy_refused": 400}}

    def get(self, request: Request, uid: UUID) -> Response:
        return Response(_draft_shown(_draft(uid)))

    def put(self, request: Request, uid: UUID) -> Response:
        """Write other numbers down, sound or not."""
        changed = drafts.change_draft(draft=_draft(uid), by=self.person, at=clock.now(), **self.body)
        return Response(_draft_shown(changed))

    def delete(self, request: Request, uid: UUID) -> Response:
        drafts.discard_draft(draft=_draft(uid), by=self.person)
        return Response(status=204)


class PolicyDraftPublishApi(PersonalApiView):
    """Publish a draft, now or for a moment to come."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": PolicyDraftPublishMembers}
    answers: ClassVar = {"POST": PolicyShape}
    refusals: ClassVar = {"POST": {"policy_refused": 400}}

    def post(self, request: Request, uid: UUID) -> Response:
        at = clock.now()
        policy = drafts.publish_draft(draft=_draft(uid), by=self.person, at=at, **self.body)
        return Response(_shown(policy.version, at), status=201)


def _shown(number: int, at: Any) -> Any:
    try:
        return open_data.policy_json(policy_page(at=at, number=number).version)
    except NoPolicy as exc:
        raise Http404 from exc


def _draft(uid: UUID) -> PolicyDraft:
    return get_object_or_404(PolicyDraft.objects.select_related("based_on", "changed_by"), uid=uid)


def _draft_shown(draft: PolicyDraft) -> dict[str, Any]:
    return selectors.draft_json(selectors.draft_page(draft))
