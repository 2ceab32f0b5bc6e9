"""Tokens of programs, and the answers kept so that a repeated write is one write."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models.people import User
from accounts.models.projects import Project
from common.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def of(self, user: User | AnonymousUser) -> ApiTokenQuerySet:
        return self.filter(user=user) if user.is_authenticated else self.none()

    def live(self, at: datetime) -> ApiTokenQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=at)


class ApiToken(models.Model):
    """Lets a program act for a person within some scopes; with a project, for that project only.

    Shown once when it is made. A project's token dies with the membership of who made it.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="api_tokens")
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=30))  # accounts.domain.scopes
    hint = models.CharField(max_length=12)  # its first characters, to tell one from another
    token_hash = models.CharField(max_length=64, unique=True)  # SHA-256
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(scopes=[]), name="a_token_has_a_scope"),
        ]


class IdempotentAnswer(models.Model):
    """What a write with an Idempotency-Key was answered, stored with the write itself; kept for 24 hours."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_is_used_once")]
