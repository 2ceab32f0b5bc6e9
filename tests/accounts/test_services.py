"""What is written about people, organisations and projects."""

from __future__ import annotations

import pytest

from accounts import services
from accounts.errors import SlugTaken
from accounts.models import OrganisationMembership, Project, ProjectMembership, User
from tests import factories


def test_a_project_opens_with_its_lead(lena: User) -> None:
    project = services.create_project(slug="atlas", name="Atlas", project_class="research", lead=lena)
    membership = ProjectMembership.objects.get(project=project)
    assert (membership.user, membership.role) == (lena, "lead")


def test_a_taken_address_is_refused_and_leaves_nothing(lena: User) -> None:
    services.create_project(slug="atlas", name="Atlas", project_class="research", lead=lena)
    with pytest.raises(SlugTaken, match="atlas") as refusal:
        services.create_project(slug="atlas", name="Other", project_class="student", lead=lena)
    assert refusal.value.field == "slug"
    assert Project.objects.count() == ProjectMembership.objects.count() == 1


def test_adding_somebody_twice_changes_their_role(lena: User, ada: User) -> None:
    project = factories.make_project(lead=lena)
    services.add_to_project(project=project, user=ada)
    services.add_to_project(project=project, user=ada, role="lead")
    assert ProjectMembership.objects.get(project=project, user=ada).role == "lead"


def test_an_organisation_starts_unverified(omar: User) -> None:
    organisation = services.create_organisation(
        slug="centre", name="Centre", kind="owner", country="FR", lead=omar
    )
    assert organisation.verified_at is None
    assert OrganisationMembership.objects.get(organisation=organisation).role == "lead"


def test_an_organisations_address_is_taken_once(db: None) -> None:
    services.create_organisation(slug="centre", name="Centre", kind="owner", country="FR")
    with pytest.raises(SlugTaken):
        services.create_organisation(slug="centre", name="Other", kind="lab", country="SE")


def test_somebody_joins_an_organisation_and_becomes_its_lead(ada: User) -> None:
    organisation = factories.make_organisation()
    services.add_to_organisation(organisation=organisation, user=ada)
    services.add_to_organisation(organisation=organisation, user=ada, role="lead")
    assert OrganisationMembership.objects.get(organisation=organisation, user=ada).role == "lead"


def test_a_person_entered_by_a_steward_signs_in_without_a_code(db: None) -> None:
    user = services.create_person(email="eve@example.org", password="correct horse battery", name="Eve")
    address = user.emailaddress_set.get()  # type: ignore[attr-defined]
    assert (address.email, address.verified, address.primary) == ("eve@example.org", True, True)
