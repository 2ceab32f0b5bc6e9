"""Every write about people, organisations and projects."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.errors import SlugTaken
from accounts.models import Organisation, OrganisationMembership, Project, ProjectMembership, User


def create_person(
    *, email: str, password: str | None, name: str = "", language: str = "en", time_zone: str = "Europe/Paris"
) -> User:
    """A person whose e-mail address is known to be theirs: no code is asked at the first sign-in.

    For people entered by a steward or by the example world; who signs up proves it with a code.
    Without a password they sign in after setting one by e-mail.
    """
    with transaction.atomic():
        user = User.objects.create_user(email, password, name=name, language=language, time_zone=time_zone)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user


def change_person(*, user: User, name: str, language: str, time_zone: str) -> User:
    """Set how a person is called and in which language and zone they read."""
    user.name, user.language, user.time_zone = name, language, time_zone
    user.save(update_fields=["name", "language", "time_zone"])
    return user


def change_language(*, user: User, language: str) -> None:
    User.objects.filter(pk=user.pk).update(language=language)


def create_organisation(
    *,
    slug: str,
    name: str,
    kind: str,
    country: str,
    lead: User | None = None,
    is_public_body: bool = False,
    verified_at: datetime | None = None,
) -> Organisation:
    """Enter an organisation. Until a steward verifies it (`verified_at`) its kind gives no right."""
    try:
        with transaction.atomic():
            organisation = Organisation.objects.create(
                slug=slug,
                name=name,
                kind=kind,
                country=country,
                is_public_body=is_public_body,
                verified_at=verified_at,
            )
            if lead is not None:
                OrganisationMembership.objects.create(
                    organisation=organisation, user=lead, role=OrganisationMembership.Role.LEAD
                )
            return organisation
    except IntegrityError as exc:
        raise _slug_taken(slug) from exc


def verify_organisation(*, organisation: Organisation, at: datetime) -> Organisation:
    """A steward has seen who they are: from now on the kind counts. Verifying again changes nothing."""
    Organisation.objects.filter(pk=organisation.pk, verified_at=None).update(verified_at=at)
    organisation.refresh_from_db(fields=["verified_at"])
    return organisation


def create_project(
    *,
    slug: str,
    name: str,
    project_class: str,
    lead: User,
    organisation: Organisation | None = None,
    summary: str = "",
    uses_public_money: bool = False,
) -> Project:
    """Open a project with its lead. Its place in the share tree is given by `reservations`."""
    try:
        with transaction.atomic():
            project = Project.objects.create(
                slug=slug,
                name=name,
                project_class=project_class,
                organisation=organisation,
                summary=summary,
                uses_public_money=uses_public_money,
            )
            ProjectMembership.objects.create(project=project, user=lead, role=ProjectMembership.Role.LEAD)
            return project
    except IntegrityError as exc:
        raise _slug_taken(slug) from exc


def add_to_project(
    *, project: Project, user: User, role: str = ProjectMembership.Role.MEMBER
) -> ProjectMembership:
    """Let somebody book for a project; somebody who may already gets the new role."""
    membership, _created = ProjectMembership.objects.update_or_create(
        project=project, user=user, defaults={"role": role}
    )
    return membership


def add_to_organisation(
    *, organisation: Organisation, user: User, role: str = OrganisationMembership.Role.MEMBER
) -> OrganisationMembership:
    membership, _created = OrganisationMembership.objects.update_or_create(
        organisation=organisation, user=user, defaults={"role": role}
    )
    return membership


def _slug_taken(slug: str) -> SlugTaken:
    return SlugTaken(
        _("The address “%(slug)s” is taken. Choose another one.") % {"slug": slug}, field="slug", slug=slug
    )
