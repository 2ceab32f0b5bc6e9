"""Organisations: registering one, a steward's answer, and who belongs to it.

Until a steward has verified it the kind gives no right: services of nodes, pricing and the share tree
ask for that themselves.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _, ngettext

from accounts.errors import OrganisationDecided, RegistrationRefused, SlugTaken, StewardActRefused
from accounts.models import Organisation, OrganisationMembership, User
from accounts.services.notices import notify, stewards
from accounts.services.slugs import free_slug
from common import formats
from common.lines import is_one_line

MOST_WAITING = 3  # of one person: a steward reads each
RESERVED = frozenset({"register"})  # an address of its own below /organisations/
LEAD = OrganisationMembership.Role.LEAD


def create_organisation(
    *,
    slug: str,
    name: str,
    kind: str,
    country: str,
    lead: User | None = None,
    is_public_body: bool = False,
    verified_at: datetime | None = None,
    website: str = "",
    evidence: str = "",
) -> Organisation:
    """Enter an organisation. Until a steward verifies it (`verified_at`) its kind gives no right."""
    if slug in RESERVED:
        raise SlugTaken.by(slug)
    try:
        with transaction.atomic():
            organisation = Organisation.objects.create(
                slug=slug,
                name=name,
                kind=kind,
                country=country,
                is_public_body=is_public_body,
                verified_at=verified_at,
                website=website,
                evidence=evidence,
            )
            if lead is not None:
                OrganisationMembership.objects.create(organisation=organisation, user=lead, role=LEAD)
            return organisation
    except IntegrityError as exc:
        raise SlugTaken.by(slug) from exc


@transaction.atomic
def register(
    *,
    name: str,
    kind: str,
    country: str,
    website: str,
    evidence: str,
    by: User,
    at: datetime,
    is_public_body: bool = False,
) -> Organisation:
    """Ask stewards to verify an organisation that one leads. Its address is made from its name."""
    # Who registers twice at once waits here, so that the limit holds.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    _require_words(name, evidence)
    waiting = Organisation.objects.led_by(by).waiting().count()
    if waiting >= MOST_WAITING:
        raise RegistrationRefused(
            ngettext(
                "%(number)d organisation of yours waits for a steward, the most there may be.",
                "%(number)d organisations of yours wait for a steward, the most there may be.",
                MOST_WAITING,
            )
            % {"number": MOST_WAITING},
            waiting=waiting,
        )
    organisation = create_organisation(
        slug=free_slug(Organisation, name, reserved=RESERVED), name=name, lead=by,
        kind=Organisation.Kind(kind), country=country,
        is_public_body=is_public_body, website=website, evidence=evidence,
    )  # fmt: skip
    _tell_stewards(organisation, by, at)
    return organisation


@transaction.atomic
def ask_again(
    *, organisation: Organisation, website: str, evidence: str, by: User, at: datetime
) -> Organisation:
    """After a steward said no: other evidence, and the organisation waits once more."""
    organisation = _lock(organisation)
    if organisation.declined_at is None:
        raise OrganisationDecided(
            _("%(name)s waits for a steward, or is verified already.") % {"name": organisation}
        )
    _require_words(organisation.name, evidence)
    organisation.website, organisation.evidence = website, evidence
    organisation.declined_at = organisation.decided_by = None
    organisation.decision_reason = ""
    organisation.save(update_fields=["website", "evidence", "declined_at", "decided_by", "decision_reason"])
    _tell_stewards(organisation, by, at)
    return organisation


@transaction.atomic
def verify(*, organisation: Organisation, by: User, at: datetime, reason: str = "") -> Organisation:
    """A steward has seen who they are: from now on the kind counts."""
    organisation = _undecided(organisation, by)
    organisation.verified_at = at
    return _answer(organisation, "verified", reason, by, at)


@transaction.atomic
def decline(*, organisation: Organisation, by: User, at: datetime, reason: str) -> Organisation:
    """A steward says no, and why. Its leads may ask again with other evidence."""
    if not reason.strip():
        raise RegistrationRefused(_("Say why: the organisation’s leads read it."), field="reason")
    organisation = _undecided(organisation, by)
    organisation.declined_at = at
    return _answer(organisation, "declined", reason, by, at)


def add_to_organisation(
    *, organisation: Organisation, user: User, role: str = OrganisationMembership.Role.MEMBER
) -> OrganisationMembership:
    membership, _created = OrganisationMembership.objects.update_or_create(
        organisation=organisation, user=user, defaults={"role": role}
    )
    return membership


def _lock(organisation: Organisation) -> Organisation:
    return Organisation.objects.select_for_update(of=("self",), no_key=True).get(pk=organisation.pk)


def _undecided(organisation: Organisation, by: User) -> Organisation:
    """Locked: of two stewards who answer at once, the second is told of the first.

    Who belongs to it does not answer. That is read under the lock that whoever joins takes, too.
    """
    locked = Organisation.objects.select_related("decided_by")
    organisation = locked.select_for_update(of=("self",), no_key=True).get(pk=organisation.pk)
    decided_at = organisation.verified_at or organisation.declined_at
    if decided_at is None:
        _require_other(organisation, by)
        return organisation
    said = {
        "name": organisation, "at": formats.moment(decided_at), "steward": organisation.decided_by or "–",
    }  # fmt: skip
    sentence = (
        _("%(name)s was verified on %(at)s by %(steward)s.")
        if organisation.verified_at
        else _("%(name)s was declined on %(at)s by %(steward)s.")
    )
    raise OrganisationDecided(sentence % said)


def _require_other(organisation: Organisation, by: User) -> None:
    if organisation.memberships.filter(user=by).exists():
        raise StewardActRefused(
            _("You belong to %(name)s: another steward answers.") % {"name": organisation}
        )


def _answer(organisation: Organisation, outcome: str, reason: str, by: User, at: datetime) -> Organisation:
    organisation.decided_by, organisation.decision_reason = by, reason
    organisation.save(update_fields=["verified_at", "declined_at", "decided_by", "decision_reason"])
    notify(
        users=User.objects.filter(
            organisation_memberships__organisation=organisation, organisation_memberships__role=LEAD
        ).exclude(pk=by.pk),
        kind="organisation_decided",
        params={"organisation": organisation.name, "outcome": outcome, "reason": reason},
        url=organisation.get_absolute_url(),
        dedupe=f"organisation:{organisation.uid}:{outcome}:{at:%Y%m%dT%H%M}",
        at=at,
    )
    return organisation


def _tell_stewards(organisation: Organisation, by: User, at: datetime) -> None:
    notify(
        users=[steward for steward in stewards() if steward.pk != by.pk],
        kind="organisation_registered",
        params={"organisation": organisation.name, "by": by},
        url=reverse("steward_organisation", args=[organisation.slug]),
        dedupe=f"organisation:{organisation.uid}:{at:%Y%m%dT%H%M}",
        at=at,
    )


def _require_words(name: str, evidence: str) -> None:
    if not name.strip() or not is_one_line(name):
        raise RegistrationRefused(
            _("Write it on one line, without line breaks or control characters."), field="name"
        )
    if not evidence.strip():
        raise RegistrationRefused(_("Without evidence a steward cannot tell who you are."), field="evidence")
