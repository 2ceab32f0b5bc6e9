"""Everybody's own beginning: house rules, a personal project with its place, and the universal allowance."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.domain.people import one_line
from accounts.errors import SlugTaken
from accounts.models import Project, User
from accounts.services.house_rules import accept_house_rules
from accounts.services.projects import create_project, free_slug
from pricing.domain.funding import first_of_month, next_month
from pricing.services import allowances
from reservations.errors import NoIndependentAccount, WelcomeRefused
from reservations.selectors.onboarding import suggested_name
from reservations.services import shares

_LONGEST = 150  # letters of a name: Project.name and User.name
_TRIES = 3  # for an address that a project of another kind takes in the same moment


@transaction.atomic
def welcome(*, user: User, name: str, rules_version: int, at: datetime, project_name: str = "") -> Project:
    """Accept the house rules and have one's own project, with this month's and the next month's allowance.

    Whoever has all of that already keeps it: only the name is set. The project's name is public, for
    public money pays for it, so without one it gets a name that tells nothing of the person.
    """
    # Two tabs at once wait in turn, and the second finds what the first has made.
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    _require_proved_address(locked)
    accept_house_rules(user=locked, version=rules_version, at=at)
    locked.name = user.name = _required(one_line(name), "name")
    locked.save(update_fields=["name"])
    project = Project.objects.filter(personal_to=locked).first() or _open(locked, project_name, at)
    month = first_of_month(at)
    for each in (month, next_month(month)):
        allowances.give(project=project, month=each, at=at)
    return project


def _open(user: User, wanted: str, at: datetime) -> Project:
    """Public money pays: the project stands in the timetable under its own name."""
    account = shares.lock_independent_account()  # newcomers who choose one name get different addresses
    if account is None:
        raise NoIndependentAccount(
            _("This site has no account for personal projects yet. Its stewards have to make it first.")
        )
    name = _required(one_line(wanted) or suggested_name(user, at), "project_name")
    if "@" in name:
        raise WelcomeRefused(
            _("Everybody can read this name: leave out e-mail addresses."), field="project_name"
        )
    project = _at_a_free_address(name, user)
    # Decisions keep this name for good: it must tell nothing of a person who may want to be forgotten.
    own_name = f"personal-{project.uid.hex[-12:]}"
    shares.create_project_vertex(parent=account, project=project, shares=1, name=own_name)
    return project


def _at_a_free_address(name: str, user: User) -> Project:
    for _again in range(_TRIES - 1):
        try:
            return _create(name, user)
        except SlugTaken:
            continue
    return _create(name, user)


def _create(name: str, user: User) -> Project:
    return create_project(
        slug=free_slug(name),
        name=name,
        project_class=Project.Class.INDEPENDENT,
        lead=user,
        uses_public_money=True,
        personal_to=user,
    )


def _required(name: str, field: str) -> str:
    if not name:
        raise WelcomeRefused(_("A name is needed."), field=field)
    if len(name) > _LONGEST:
        raise WelcomeRefused(
            _("A name has at most %(most)d letters, this one has %(letters)d.")
            % {"most": _LONGEST, "letters": len(name)},
            field=field,
        )
    return name


def _require_proved_address(user: User) -> None:
    if not EmailAddress.objects.filter(user=user, verified=True).exists():
        raise WelcomeRefused(
            _("Prove first that %(email)s is yours: a code was sent to it.") % {"email": user.email}
        )
