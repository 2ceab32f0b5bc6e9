"""Applications for a project, a class or a larger share, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, Project, User
from common.ids import uuid7
from reservations.models.tree import Vertex

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class ApplicationQuerySet(models.QuerySet["Application"]):
    def of(self, user: User | AnonymousUser) -> ApplicationQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(user.within("project"), applicant=user)

    def waiting(self) -> ApplicationQuerySet:
        return self.filter(state=Application.State.SUBMITTED)


class Application(models.Model):
    """Somebody asks for a project of a class, or for a class or larger share of the one they lead."""

    class State(models.TextChoices):
        SUBMITTED = "submitted", _("Waiting for an answer")
        GRANTED = "granted", _("Granted")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    applicant = models.ForeignKey(User, models.PROTECT, related_name="applications")
    # None until a new project is granted.
    project = models.ForeignKey(Project, models.PROTECT, null=True, related_name="applications")
    slug = models.SlugField(blank=True)  # of a project to be opened
    name = models.CharField(max_length=150)
    summary = models.CharField(max_length=300, blank=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    wanted_class = models.CharField(max_length=11, choices=Project.Class)
    wanted_shares = models.PositiveIntegerField(null=True)
    purpose = models.TextField(max_length=4000)
    evidence = models.TextField(max_length=4000, blank=True)  # in words; files beside it
    evidence_file = models.FileField(upload_to="evidence/applications/", blank=True)
    evidence_digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the file
    state = models.CharField(max_length=10, choices=State, default=State.SUBMITTED)
    submitted_at = models.DateTimeField()
    # The steward's answer.
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reply = models.TextField(max_length=2000, blank=True)
    granted_class = models.CharField(max_length=11, choices=Project.Class, blank=True)
    granted_account = models.ForeignKey(Vertex, models.PROTECT, null=True, related_name="+")
    granted_shares = models.PositiveIntegerField(null=True)
    class_expires_at = models.DateTimeField(null=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["submitted", "withdrawn"]) | ~Q(reply=""),
                name="an_answered_application_has_a_reply",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], name="application_waiting", condition=Q(state="submitted")),
            # The newest answers, as stewards see them.
            models.Index(
                fields=["-decided_at"], name="application_answered", condition=~Q(state="submitted")
            ),
        ]

    def get_absolute_url(self) -> str:
        return f"/applications/{self.uid}/"
