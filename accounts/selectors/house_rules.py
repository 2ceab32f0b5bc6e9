"""The house rules as a page shows them, and who accepted which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Max
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from accounts.domain import house_rules
from accounts.models import HouseRulesAcceptance, User


@dataclass(frozen=True)
class Change:
    """What a version says otherwise than the one before, in short."""

    version: int
    html: SafeString


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
    return _text(str(version), language)


def changes_since(version: int, language: str) -> list[Change]:
    """What every version after that one changed; each has a file `<version>.changes.<language>.html`."""
    later = range(version + 1, house_rules.CURRENT.number + 1)
    return [
        Change(number, mark_safe(_text(f"{number}.changes", language)))  # noqa: S308 -- ours, too
        for number in later
    ]


def _text(name: str, language: str) -> str:
    try:
        found = get_template(f"accounts/house_rules/{name}.{language}.html")
    except TemplateDoesNotExist:
        found = get_template(f"accounts/house_rules/{name}.en.html")
    return str(found.template.source)  # type: ignore[attr-defined]


def accepted_version(user: User) -> int | None:
    """The newest version that somebody accepted."""
    newest = HouseRulesAcceptance.objects.filter(user=user).aggregate(Max("version"))
    version: int | None = newest["version__max"]
    return version


def has_accepted(user: User) -> bool:
    """Whether somebody accepted the version in force."""
    accepted = HouseRulesAcceptance.objects.filter(user=user, version=house_rules.CURRENT.number)
    return accepted.exists()
