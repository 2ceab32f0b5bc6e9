"""Invitations by mail to a project or an organisation."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models.organisations import Organisation
from accounts.models.people import User
from accounts.models.projects import Project, ProjectMembership
from common.ids import uuid7


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, at: datetime) -> InvitationQuerySet:
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=at)


class Invitation(models.Model):
    """One address may join one project or organisation. The link's secret is kept as a hash only."""

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
