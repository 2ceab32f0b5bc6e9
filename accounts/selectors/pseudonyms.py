"""How a project appears to others."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Project

# 20 bits: short enough to say aloud, and among the few hundred projects of a site rarely shared.
PSEUDONYM_DIGITS = 5


def public_names(project_ids: Iterable[int], at: datetime) -> dict[int, str]:
    """How each project appears to others at `at`: ONE query.

    A project that uses public money uses it under its own name. Others are "project t0x4c1", the
    same all month (UTC) and another one the next, so that a name cannot be followed for long.
    """
    projects = Project.objects.filter(pk__in=set(project_ids)).values_list(
        "pk", "uid", "name", "uses_public_money"
    )
    return {
        pk: name if is_public else _("project %(pseudonym)s") % {"pseudonym": pseudonym(str(uid), at)}
        for pk, uid, name, is_public in projects
    }


def pseudonym(project_uid: str, at: datetime) -> str:
    """HMAC(secret, project, month), cut to a `t` and a few hexadecimal digits."""
    month = at.astimezone(UTC).strftime("%Y-%m")
    secret = str(settings.PSEUDONYM_SECRET).encode()
    return (
        "t"
        + hmac.new(secret, f"{project_uid} {month}".encode(), hashlib.sha256).hexdigest()[:PSEUDONYM_DIGITS]
    )
