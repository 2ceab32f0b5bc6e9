"""Invitations by mail to a project or an organisation."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models.mailing import Mailed, mail_indexes
from accounts.models.organisations import Organisation
from accounts.models.people import User
from accounts.models.projects import Project, ProjectMembership
from common.ids import uuid7


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def unanswered(self) -> InvitationQuerySet:
        """Also those that have expired."""
        return self.filter(accepted_at=None, revoked_at=None)

    def open(self, at: datetime) -> InvitationQuerySet:
        return self.unanswered().filter(expires_at__gt=at)

    def close(self, ending: str, at: datetime) -> int:
        """End those that nobody has answered; answers how many."""
        return self.unanswered().update(revoked_at=at, ending=ending)


class Invitation(Mailed):
    """One address may join one project or organisation. The link's secret is kept as a hash only."""

    class Ending(models.TextChoices):
        """How it ended where nobody accepted it."""

        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        REPLACED = "replaced", _("Sent again")  # the newer mail has another link
        SENDER_GONE = "sender_gone", _("Its sender may no longer invite")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="invitations")
    organisation = models.ForeignKey(Organisation, models.CASCADE, null=True, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=ProjectMembership.Role)
    token_hash = models.CharField(max_length=64, unique=True)  # SHA-256
    invited_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=11, choices=Ending, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(project=None, organisation__isnull=False)
                | Q(project__isnull=False, organisation=None),
                name="invitation_is_to_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None),
                name="invitation_is_not_accepted_and_revoked",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, ending="") | (Q(revoked_at__isnull=False) & ~Q(ending="")),
                name="invitation_says_how_it_ended",
            ),
            models.UniqueConstraint(
                "project",
                Lower("email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation_to_a_project",
            ),
            models.UniqueConstraint(
                "organisation",
                Lower("email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation_to_an_organisation",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = mail_indexes("invitation")

    def state(self, at: datetime) -> str:
        """`open`, `accepted`, `expired`, or how it ended."""
        if self.accepted_at is not None:
            return "accepted"
        if self.revoked_at is not None:
            return str(self.ending)
        return "expired" if self.expires_at <= at else "open"
