"""What stewards did to people, to projects and to what everybody reads: kept for good."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organisations import Organisation
from accounts.models.people import User
from accounts.models.projects import Project
from common.ids import uuid7


class StewardAct(models.Model):
    """One thing that a steward did, to whom, and why."""

    class Act(models.TextChoices):
        CLOSED = "closed", _("Closed the account")
        REOPENED = "reopened", _("Opened the account again")
        SESSIONS_ENDED = "sessions_ended", _("Ended all sessions")
        ANNOUNCED = "announced", _("Wrote an announcement")
        ANNOUNCEMENT_ENDED = "announcement_ended", _("Ended an announcement")
        MAIL_AGAIN = "mail_again", _("Let failed mail be tried again")
        SUSPENDED = "suspended", _("Suspended the project")
        RESUMED = "resumed", _("Let the project go on")
        END_SET = "end_set", _("Set the end of the project")
        MOVED = "moved", _("Changed the project’s place or shares")
        ACCOUNT_GIVEN = "account_given", _("Gave it an account of the share tree")
        ACCOUNT_CHANGED = "account_changed", _("Changed the shares of its account")
        ACCOUNT_TAKEN = "account_taken", _("Took back its account")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    steward = models.ForeignKey(User, models.PROTECT, related_name="+")
    act = models.CharField(max_length=20, choices=Act)
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="steward_acts")
    project = models.ForeignKey(Project, models.PROTECT, null=True, related_name="steward_acts")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="steward_acts")
    reason = models.CharField(max_length=500, blank=True)  # or the announcement's text
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        triggers: ClassVar[list[pgtrigger.Trigger]] = [
            pgtrigger.Protect(
                name="steward_act_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]
