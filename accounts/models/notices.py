"""What people are told: notices with their mail, what they want mailed, announcements to all."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.mailing import Mailed, mail_indexes
from accounts.models.people import User
from common.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class NoticeQuerySet(models.QuerySet["Notice"]):
    def of(self, user: User | AnonymousUser) -> NoticeQuerySet:
        return self.filter(user=user) if user.is_authenticated else self.none()

    def unread(self) -> NoticeQuerySet:
        return self.filter(read_at=None)


class Notice(Mailed):
    """One thing that one person is told, in the inbox and, where they want it, by one mail.

    `params` are facts, not sentences: it is worded when it is read, in the reader's language.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40)  # a folder of templates/notices/
    params = models.JSONField(default=dict)
    # Who stands in them as `by`: whoever leaves this site is forgotten by reference, not by name.
    named = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    url = models.CharField(max_length=300, blank=True)  # where it leads, on this site
    # The same change told twice is one notice.
    dedupe = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["user", "dedupe"], name="a_person_is_told_once")]
        indexes: ClassVar[list[models.Index]] = [
            *mail_indexes("notice"),
            models.Index(fields=["user"], name="notice_unread", condition=Q(read_at=None)),
        ]


class MailPreference(models.Model):
    """That a person wants, or does not want, mail about one kind of thing. Unsaid: the kind's default."""

    user = models.ForeignKey(User, models.CASCADE, related_name="mail_preferences")
    kind = models.CharField(max_length=40)
    by_mail = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="one_preference_per_kind")]


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def shown(self, at: datetime) -> AnnouncementQuerySet:
        return self.filter(during__contains=at)


class Announcement(models.Model):
    """A sentence of the stewards at the top of every page for a while."""

    class Level(models.TextChoices):
        INFO = "info", _("Information")
        WARNING = "warning", _("Warning")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO)
    text_en = models.CharField(max_length=500)
    text_fr = models.CharField(max_length=500)
    during = DateTimeRangeField()
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
