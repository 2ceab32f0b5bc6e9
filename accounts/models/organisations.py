"""Organisations and who belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from accounts.models.triggers import keeps_a_lead
from common.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def of(self, user: User | AnonymousUser) -> OrganisationQuerySet:
        """The organisations this person belongs to."""
        return self.filter(memberships__user=user) if user.is_authenticated else self.none()

    def led_by(self, user: User | AnonymousUser) -> OrganisationQuerySet:
        role = OrganisationMembership.Role.LEAD
        if not user.is_authenticated:
            return self.none()
        return self.filter(memberships__user=user, memberships__role=role)

    def verified(self) -> OrganisationQuerySet:
        return self.filter(verified_at__isnull=False)

    def waiting(self) -> OrganisationQuerySet:
        """Neither verified nor turned down yet: the steward's queue."""
        return self.filter(verified_at=None, declined_at=None)


class Organisation(models.Model):
    """An owner of nodes, a laboratory, a funder or the operator of this site."""

    class Kind(models.TextChoices):
        OWNER = "owner", _("Node owner")
        LAB = "lab", _("Laboratory")
        FUNDER = "funder", _("Funder")
        OPERATOR = "operator", _("Operator of this site")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=150)
    kind = models.CharField(max_length=10, choices=Kind)
    is_public_body = models.BooleanField(default=False)
    country = models.CharField(max_length=2)  # ISO 3166-1 alpha-2
    website = models.URLField(max_length=200, blank=True)
    # How a steward can check who they are: a register and a number in it, say.
    evidence = models.TextField(max_length=2000, blank=True)
    registered_at = models.DateTimeField(auto_now_add=True)
    # Until a steward has looked, the kind gives no right.
    verified_at = models.DateTimeField(null=True, blank=True)
    declined_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decision_reason = models.CharField(max_length=500, blank=True)
    members = models.ManyToManyField(User, through="OrganisationMembership", related_name="organisations")

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verified_at=None) | Q(declined_at=None),
                name="organisation_is_not_verified_and_declined",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/organisations/{self.slug}/"


class OrganisationMembership(models.Model):
    class Role(models.TextChoices):
        LEAD = "lead", _("Lead")
        MEMBER = "member", _("Member")

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="organisation_memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="one_membership_per_organisation")
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [keeps_a_lead("organisation")]
