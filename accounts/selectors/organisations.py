"""Organisations: the public list, one's own, a page each, the steward's queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Organisation, OrganisationMembership, User
from accounts.wording.organisations import rights
from common import formats

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

LEAD = OrganisationMembership.Role.LEAD


@dataclass(frozen=True)
class State:
    """Whether a steward has answered: a word, and the tone of its tag."""

    code: str  # waiting, verified or declined
    label: str
    tone: str

    @classmethod
    def of(cls, organisation: Organisation) -> State:
        if organisation.verified_at is not None:
            return cls("verified", _("Verified"), "good")
        if organisation.declined_at is not None:
            return cls("declined", _("Declined"), "bad")
        return cls("waiting", _("Waits for a steward"), "info")


@dataclass(frozen=True)
class OrganisationRow:
    name: str
    url: str
    kind: str
    country: str
    is_public_body: bool
    state: State
    role: str  # the reader's; empty where they are none of its members


@dataclass(frozen=True)
class OrganisationsPage:
    own: tuple[OrganisationRow, ...]
    verified: tuple[OrganisationRow, ...]


@dataclass(frozen=True)
class OrganisationPage:
    organisation: Organisation
    kind: str
    country: str
    state: State
    rights: tuple[str, ...]
    reason: str  # a steward's, for its members
    decided_at: datetime | None
    evidence: str  # for its members
    members: tuple[str, ...]  # for its members
    is_member: bool
    leads: bool
    gives_grants: bool  # has a page of lines and grants that the reader may open


@dataclass(frozen=True)
class QueueRow:
    name: str
    url: str
    kind: str
    country: str
    asked_by: str
    registered_at: datetime
    evidence: str


@dataclass(frozen=True)
class AnsweredRow:
    name: str
    url: str
    state: State
    decided_at: datetime | None
    decided_by: str
    reason: str


@dataclass(frozen=True)
class QueuePage:
    waiting: tuple[QueueRow, ...]
    answered: tuple[AnsweredRow, ...]


@dataclass(frozen=True)
class CasePage:
    """What a steward reads before answering."""

    organisation: Organisation
    kind: str
    country: str
    state: State
    leads: tuple[str, ...]
    rights: tuple[str, ...]
    same_name: tuple[OrganisationRow, ...]  # others that a reader could take it for
    decided_by: str
    decided_at: datetime | None
    is_own: bool  # the reader belongs to it: another steward answers


def organisations_page(*, user: User | AnonymousUser) -> OrganisationsPage:
    """One's own, whatever their state, and all that are verified: two queries."""
    roles: dict[int, str] = {}
    own = []
    if user.is_authenticated:
        memberships = OrganisationMembership.objects.filter(user=user).select_related("organisation")
        for one in memberships.order_by("organisation__name"):
            roles[one.organisation_id] = one.get_role_display()
            own.append(one.organisation)
    verified = Organisation.objects.verified()
    return OrganisationsPage(
        own=tuple(_row(one, roles) for one in own), verified=tuple(_row(one, roles) for one in verified)
    )


def organisation_page(*, organisation: Organisation, user: User | AnonymousUser) -> OrganisationPage:
    """The public facts; for its members who they are and what a steward said. One query."""
    memberships = list(organisation.memberships.select_related("user").order_by("role", "user__name", "pk"))
    mine = next((one for one in memberships if one.user_id == user.pk), None)
    is_funder = organisation.kind == Organisation.Kind.FUNDER and organisation.verified_at is not None
    return OrganisationPage(
        organisation=organisation,
        kind=organisation.get_kind_display(),
        country=formats.country(organisation.country),
        state=State.of(organisation),
        rights=rights(organisation.kind),
        reason=organisation.decision_reason if mine else "",
        decided_at=organisation.verified_at or organisation.declined_at,
        evidence=organisation.evidence if mine else "",
        members=tuple(f"{one.user}" for one in memberships) if mine else (),
        is_member=mine is not None,
        leads=mine is not None and mine.role == LEAD,
        gives_grants=is_funder and mine is not None and mine.role == LEAD,
    )


def queue_page() -> QueuePage:
    """Two queries, and one for the leads of those that wait."""
    waiting = Organisation.objects.waiting().prefetch_related("memberships__user").order_by("registered_at")
    answered = Organisation.objects.exclude(decided_by=None).select_related("decided_by")
    return QueuePage(
        waiting=tuple(
            QueueRow(
                name=one.name,
                url=f"/steward/organisations/{one.slug}/",
                kind=one.get_kind_display(),
                country=formats.country(one.country),
                asked_by=", ".join(_leads(one)),
                registered_at=one.registered_at,
                evidence=one.evidence,
            )
            for one in waiting
        ),
        answered=tuple(_answered(one) for one in answered.order_by("-verified_at", "-declined_at")[:20]),
    )


def case_page(*, organisation: Organisation, reader: User) -> CasePage:
    """Three queries at most."""
    memberships = list(organisation.memberships.select_related("user").order_by("pk"))
    alike = Organisation.objects.filter(name__iexact=organisation.name).exclude(pk=organisation.pk)
    return CasePage(
        organisation=organisation,
        kind=organisation.get_kind_display(),
        country=formats.country(organisation.country),
        state=State.of(organisation),
        leads=tuple(f"{one.user} <{one.user.email}>" for one in memberships if one.role == LEAD),
        rights=rights(organisation.kind),
        same_name=tuple(_row(one, {}) for one in alike),
        decided_by=str(organisation.decided_by or ""),
        decided_at=organisation.verified_at or organisation.declined_at,
        is_own=any(one.user_id == reader.pk for one in memberships),
    )


def waiting_count() -> int:
    return Organisation.objects.waiting().count()


def _row(organisation: Organisation, roles: dict[int, str]) -> OrganisationRow:
    return OrganisationRow(
        name=organisation.name,
        url=organisation.get_absolute_url(),
        kind=organisation.get_kind_display(),
        country=formats.country(organisation.country),
        is_public_body=organisation.is_public_body,
        state=State.of(organisation),
        role=roles.get(organisation.pk, ""),
    )


def _answered(organisation: Organisation) -> AnsweredRow:
    return AnsweredRow(
        name=organisation.name,
        url=f"/steward/organisations/{organisation.slug}/",
        state=State.of(organisation),
        decided_at=organisation.verified_at or organisation.declined_at,
        decided_by=str(organisation.decided_by or ""),
        reason=organisation.decision_reason,
    )


def _leads(organisation: Organisation) -> Iterator[str]:
    for one in organisation.memberships.all():
        if one.role == LEAD:
            yield str(one.user)
