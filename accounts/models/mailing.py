"""What a row needs that one mail is about: whether it went out, and when the next try is."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Mailed(models.Model):
    """Something that is mailed at most once, by the sweep that services.mail is."""

    class Mail(models.TextChoices):
        NONE = "none", _("Not mailed")  # not wanted, or no address any more
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")  # claimed; if the worker dies here nobody sends it again
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")  # given up after the last try

    mail = models.CharField(max_length=10, choices=Mail, default=Mail.WAITING)
    mail_due_at = models.DateTimeField()  # later after a failure
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


def mail_indexes(of: str) -> list[models.Index]:
    return [
        models.Index(fields=["mail_due_at"], name=f"{of}_to_mail", condition=Q(mail="waiting")),
        # What stewards look after: claimed and perhaps forgotten, or given up.
        models.Index(
            fields=["mail_due_at"], name=f"{of}_mail_trouble", condition=Q(mail__in=["sending", "failed"])
        ),
    ]
