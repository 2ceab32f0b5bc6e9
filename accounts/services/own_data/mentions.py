"""Where other people were told of somebody who leaves: found by reference, for names are common words too.

An address is a reference by itself: nobody else has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q

from accounts.models import Notice, Project, User

NOBODY = "–"  # what stands where a name or an address stood
# Facts that hold addresses, one or several with commas between.
_ADDRESSES = ("email", "emails")
# What somebody wrote into a notice besides their name.
_OWN_WORDS = {"application_received": ("project",)}


def forget_in_notices(*, user: User, addresses: Iterable[str], closed: dict[str, str]) -> None:
    """`closed`: names of projects that end with this person, and what they are called from now on."""
    for notice in Notice.objects.filter(named=user):
        words = _OWN_WORDS.get(notice.kind, ())
        notice.params |= dict.fromkeys(("by", *words), NOBODY)
        if (group := notice.params.get("group")) in closed:
            notice.params["group"] = closed[group]
        notice.named = None
        notice.save(update_fields=["params", "named"])
    theirs = {address.lower() for address in addresses}
    holding = Q()
    for name in _ADDRESSES:
        for address in theirs:
            holding |= Q(**{f"params__{name}__icontains": address})
    for notice in Notice.objects.filter(holding):
        for name in _ADDRESSES:
            if isinstance(told := notice.params.get(name), str):
                kept = (NOBODY if one.lower() in theirs else one for one in told.split(", "))
                notice.params[name] = ", ".join(kept)
        notice.save(update_fields=["params"])


def close_in_notices(*, project: Project, name: str) -> None:
    """What leads to a project that is closed with its only member, whose words its name and address were."""
    for notice in Notice.objects.filter(url__startswith=project.get_absolute_url()):
        for fact in ("project", "group"):
            if fact in notice.params:
                notice.params[fact] = name
        notice.url = ""
        notice.save(update_fields=["params", "url"])


def forget_in_log(*, user: User, names: list[str], projects: Iterable[Project]) -> None:
    """The admin's history of this person, of their addresses, and of projects that are closed with them."""
    addresses = list(EmailAddress.objects.filter(user=user))
    about = _entries_of([user]) | _entries_of(addresses) | _entries_of(list(projects))
    for address in {user.email, *(one.email for one in addresses)}:
        about |= Q(object_repr__iexact=address)
    for entry in LogEntry.objects.filter(about):
        entry.object_repr, entry.change_message = NOBODY, _without(entry.change_message, names)
        entry.save(update_fields=["object_repr", "change_message"])


def _entries_of(rows: list[User] | list[EmailAddress] | list[Project]) -> Q:
    if not rows:
        return Q(pk=None)
    model: type[Model] = type(rows[0])
    kind = ContentType.objects.get_for_model(model)
    return Q(content_type=kind, object_id__in=[str(row.pk) for row in rows])


def _without(text: str, names: list[str]) -> str:
    """In a text that is about this person alone."""
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", NOBODY, text, flags=re.IGNORECASE)
    return text
