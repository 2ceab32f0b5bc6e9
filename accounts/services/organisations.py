"""Entering organisations, verifying them, and who belongs to them."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.errors import SlugTaken
from accounts.models import Organisation, OrganisationMembership, User


def create_organisation(
    *,
    slug: str,
    name: str,
    kind: str,
    country: str,
    lead: User | None = None,
    is_public_body: bool = False,
    verified_at: datetime | None = None,
) -> Organisation:
    """Enter an organisation. Until a steward verifies it (`verified_at`) its kind gives no right."""
    try:
        with transaction.atomic():
            organisation = Organisation.objects.create(
                slug=slug,
                name=name,
                kind=kind,
                country=country,
                is_public_body=is_public_body,
                verified_at=verified_at,
            )
            if lead is not None:
                OrganisationMembership.objects.create(
                    organisation=organisation, user=lead, role=OrganisationMembership.Role.LEAD
                )
            return organisation
    except IntegrityError as exc:
        raise SlugTaken.by(slug) from exc


def verify_organisation(*, organisation: Organisation, at: datetime) -> Organisation:
    """A steward has seen who they are: from now on the kind counts. Verifying again changes nothing."""
    Organisation.objects.filter(pk=organisation.pk, verified_at=None).update(verified_at=at)
    organisation.refresh_from_db(fields=["verified_at"])
    return organisation


def add_to_organisation(
    *, organisation: Organisation, user: User, role: str = OrganisationMembership.Role.MEMBER
) -> OrganisationMembership:
    membership, _created = OrganisationMembership.objects.update_or_create(
        organisation=organisation, user=user, defaults={"role": role}
    )
    return membership
