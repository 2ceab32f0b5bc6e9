"""Projects, who belongs to them and the class they were given."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.organisations import Organisation
from accounts.models.people import User
from accounts.models.triggers import keeps_a_lead
from common.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class ProjectQuerySet(models.QuerySet["Project"]):
    def of(self, user: User | AnonymousUser) -> ProjectQuerySet:
        """The projects this person may book for. Every page about a project starts here."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(user.within("pk"), memberships__user=user)


class Project(models.Model):
    """What people book for: a leaf of the share tree."""

    class Class(models.TextChoices):
        RESEARCH = "research", _("Research")
        STUDENT = "student", _("Student")
        CITIZEN = "citizen", _("Citizen")
        PUBLIC = "public", _("Public service")
        STARTUP = "startup", _("Start-up")
        INDUSTRY = "industry", _("Industry")
        # Nobody has looked at what it is for: personal projects begin so.
        INDEPENDENT = "independent", _("Independent")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=150)
    summary = models.CharField(max_length=300, blank=True)
    # The class in force; ClassGrant tells who gave it and until when.
    project_class = models.CharField(max_length=11, choices=Class)
    class_expires_at = models.DateTimeField(null=True, blank=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="projects"
    )
    # The one project that everybody gets at sign-up.
    personal_to = models.OneToOneField(
        User, models.PROTECT, null=True, blank=True, related_name="personal_project"
    )
    # Public money is used in public: then others see the project's own name.
    uses_public_money = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)  # no slot may end later
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspension_reason = models.CharField(max_length=500, blank=True)
    members = models.ManyToManyField(User, through="ProjectMembership", related_name="projects")

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(suspended_at=None) | ~Q(suspension_reason=""), name="a_suspension_has_a_reason"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/projects/{self.slug}/"

    def may_book_at(self, at: datetime) -> bool:
        """Neither suspended nor expired."""
        return self.suspended_at is None and (self.expires_at is None or at < self.expires_at)


class ProjectMembership(models.Model):
    class Role(models.TextChoices):
        LEAD = "lead", _("Lead")
        MEMBER = "member", _("Member")

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="project_memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    # Most device-hours of slots that begin in one month (UTC); None: no cap. Set by a lead.
    monthly_cap = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="one_membership_per_project"),
            models.CheckConstraint(
                condition=Q(monthly_cap=None) | Q(monthly_cap__gte=0), name="a_cap_is_not_negative"
            ),
        ]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [keeps_a_lead("project")]


class ClassGrant(models.Model):
    """That a steward or a funder gave a project its class: on what evidence and until when."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="class_grants")
    project_class = models.CharField(max_length=11, choices=Project.Class)
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    # None: a steward, for the site; else the funder that vouches.
    on_behalf_of = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500)
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-given_at"]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            pgtrigger.Protect(
                name="class_grant_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]
