"""People and the house rules they accepted."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, is_steward=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by an e-mail address. Never shown to other projects.

    Who leaves for good stays as a row without name and address: the books refer to it.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Paris")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)  # may open the admin
    is_steward = models.BooleanField(default=False)  # runs the site
    date_joined = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, editable=False)

    # While a token for one project acts for them, nothing else of theirs is in reach.
    only_project_id: int | None = None

    objects: ClassVar[UserManager] = UserManager()
    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_is_unique")]

    def __str__(self) -> str:
        return self.name or self.email

    def within(self, project: str) -> models.Q:
        """What is in reach, for a query whose column `project` leads to a project."""
        return models.Q() if self.only_project_id is None else models.Q(**{project: self.only_project_id})


class HouseRulesAcceptance(models.Model):
    """That a person accepted a version of the house rules, and exactly which text."""

    user = models.ForeignKey(User, models.CASCADE, related_name="house_rules")
    version = models.PositiveSmallIntegerField()
    digest = models.CharField(max_length=64)  # SHA-256 of the text that was shown
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "version"], name="house_rules_are_accepted_once")
        ]
