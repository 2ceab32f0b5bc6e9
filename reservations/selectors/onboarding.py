"""What somebody reads before they begin: the house rules, what is public, and what the allowance is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import Project, User
from accounts.selectors.house_rules import (
    Change,
    HouseRules,
    accepted_version,
    changes_since,
    current_house_rules,
)
from accounts.selectors.pseudonyms import pseudonym
from pricing.models import FundingLine


@dataclass(frozen=True)
class Allowance:
    """What everybody gets every month, and of whom."""

    hours: Decimal
    line: str
    funder: str


@dataclass(frozen=True)
class WelcomePage:
    rules: HouseRules
    accepted: int | None  # the version accepted before
    changes: tuple[Change, ...]  # since then
    project: Project | None  # None: it is made now
    allowance: Allowance | None  # None: nobody pays one at present

    @property
    def is_settled(self) -> bool:
        """Nothing is left to be done here."""
        return self.project is not None and self.accepted == self.rules.version


def welcome_page(*, user: User, language: str, at: datetime) -> WelcomePage:
    rules, accepted = current_house_rules(language), accepted_version(user)
    return WelcomePage(
        rules=rules,
        accepted=accepted,
        changes=tuple(changes_since(accepted, language)) if accepted else (),
        project=Project.objects.filter(personal_to=user).first(),
        allowance=_allowance(at),
    )


def suggested_name(user: User, at: datetime) -> str:
    """A name for a personal project that tells nothing of the person, and next month no longer the same."""
    return _("Personal project %(code)s") % {"code": pseudonym(str(user.uid), at)[1:].upper()}


def _allowance(at: datetime) -> Allowance | None:
    lines = FundingLine.objects.filter(allowance_hours__isnull=False, closed_at=None, valid__contains=at)
    line = lines.select_related("funder").first()
    if line is None or line.allowance_hours is None:
        return None
    return Allowance(line.allowance_hours.normalize(), line.name, line.funder.name)
