"""People, organisations and projects: who somebody is and what they belong to.

What a project may use and has used is told by `reservations`, what it pays by `pricing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, is_steward=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by an e-mail address. Never shown to other projects."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Paris")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)  # may open the admin
    is_steward = models.BooleanField(default=False)  # runs the site
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_is_unique")]

    def __str__(self) -> str:
        return self.name or self.email


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def of(self, user: User | AnonymousUser) -> OrganisationQuerySet:
        """The organisations this person belongs to."""
        return self.filter(memberships__user=user) if user.is_authenticated else self.none()

    def verified(self) -> OrganisationQuerySet:
        return self.filter(verified_at__isnull=False)


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
    # Until a steward has looked, the kind gives no right.
    verified_at = models.DateTimeField(null=True, blank=True)
    members = models.ManyToManyField(User, through="OrganisationMembership", related_name="organisations")

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class OrganisationMembership(models.Model):
    class Role(models.TextChoices):
        LEAD = "lead", _("Lead")
        MEMBER = "member", _("Member")

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="organisation_memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="one_membership_per_organisation")
        ]


class ProjectQuerySet(models.QuerySet["Project"]):
    def of(self, user: User | AnonymousUser) -> ProjectQuerySet:
        """The projects this person may book for. Every page about a project starts here."""
        return self.filter(memberships__user=user) if user.is_authenticated else self.none()


class Project(models.Model):
    """What people book for: a leaf of the share tree."""

    class Class(models.TextChoices):
        RESEARCH = "research", _("Research")
        STUDENT = "student", _("Student")
        CITIZEN = "citizen", _("Citizen")
        PUBLIC = "public", _("Public service")
        STARTUP = "startup", _("Start-up")
        INDUSTRY = "industry", _("Industry")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=150)
    summary = models.CharField(max_length=300, blank=True)
    project_class = models.CharField(max_length=10, choices=Class)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="projects"
    )
    # Public money is used in public: then others see the project's own name.
    uses_public_money = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="ProjectMembership", related_name="projects")

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/projects/{self.slug}/"


class ProjectMembership(models.Model):
    class Role(models.TextChoices):
        LEAD = "lead", _("Lead")
        MEMBER = "member", _("Member")

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="project_memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="one_membership_per_project")]
