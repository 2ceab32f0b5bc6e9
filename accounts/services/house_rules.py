"""Accepting the house rules."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.domain import house_rules
from accounts.errors import RulesOutOfDate
from accounts.models import HouseRulesAcceptance, User
from accounts.selectors.house_rules import house_rules_text


def accept_house_rules(*, user: User, version: int, at: datetime) -> HouseRulesAcceptance:
    """Remember that somebody accepted this version in their language; a second time changes nothing."""
    current = house_rules.CURRENT.number
    if version != current:
        said = _("Version %(current)s of the house rules is in force, you read version %(version)s. Read it.")
        facts = {"version": version, "current": current}
        raise RulesOutOfDate(said % facts, field="rules_version", **facts)
    text = house_rules_text(version, user.language)
    acceptance, _created = HouseRulesAcceptance.objects.get_or_create(
        user=user,
        version=version,
        defaults={"digest": house_rules.digest(text), "accepted_at": at},
    )
    return acceptance
