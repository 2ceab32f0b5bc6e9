"""The house rules as a page shows them, and who accepted which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from accounts.domain import house_rules
from accounts.models import HouseRulesAcceptance, User


@dataclass(frozen=True)
class HouseRules:
    """One version in one language. `html` is ours, with nothing in it to fill in."""

    version: int
    since: date
    html: SafeString
    digest: str


def current_house_rules(language: str) -> HouseRules:
    """The version in force, in this language or else in English."""
    version = house_rules.CURRENT
    text = house_rules_text(version.number, language)
    html = mark_safe(text)  # noqa: S308 -- a file of this project
    return HouseRules(version.number, version.since, html, house_rules.digest(text))


def house_rules_text(version: int, language: str) -> str:
    """Exactly what was shown: the file's text, of which nothing is computed."""
    try:
        found = get_template(f"accounts/house_rules/{version}.{language}.html")
    except TemplateDoesNotExist:
        found = get_template(f"accounts/house_rules/{version}.en.html")
    return str(found.template.source)  # type: ignore[attr-defined]


def has_accepted(user: User) -> bool:
    """Whether somebody accepted the version in force."""
    accepted = HouseRulesAcceptance.objects.filter(user=user, version=house_rules.CURRENT.number)
    return accepted.exists()
