"""Who belongs to what: every page about a project or an organisation starts with `.of(user)`."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError

from accounts.models import Organisation, Project, User
from tests import factories


def test_a_member_sees_their_project(ada: User) -> None:
    project = factories.make_project(ada)
    assert list(Project.objects.of(ada)) == [project]


def test_a_stranger_sees_no_project(ada: User, mallory: User) -> None:
    factories.make_project(ada)
    assert not Project.objects.of(mallory).exists()


def test_a_visitor_sees_no_project(ada: User) -> None:
    factories.make_project(ada)
    assert not Project.objects.of(AnonymousUser()).exists()


def test_a_member_of_two_projects_sees_each_once(ada: User) -> None:
    factories.make_project(ada)
    factories.make_project(ada, lead=factories.make_user())
    assert Project.objects.of(ada).count() == 2


def test_only_members_see_an_organisation(omar: User, mallory: User) -> None:
    organisation = factories.make_organisation(lead=omar)
    assert list(Organisation.objects.of(omar)) == [organisation]
    assert not Organisation.objects.of(mallory).exists()
    assert not Organisation.objects.of(AnonymousUser()).exists()


def test_only_what_a_steward_has_seen_is_verified(db: None) -> None:
    verified = factories.make_organisation()
    Organisation.objects.create(slug="new", name="New", kind="owner", country="FR")
    assert list(Organisation.objects.verified()) == [verified]


def test_two_people_cannot_share_an_address_in_other_letters(ada: User) -> None:
    with pytest.raises(IntegrityError):
        User.objects.create_user("ADA@example.org")


def test_a_superuser_is_staff_and_steward(db: None) -> None:
    root = User.objects.create_superuser("root@example.org", "correct horse battery")
    assert root.is_staff
    assert root.is_steward
    assert root.check_password("correct horse battery")


def test_a_person_is_called_by_name_or_else_by_address(db: None) -> None:
    assert str(User(email="ada@example.org", name="Ada")) == "Ada"
    assert str(User(email="ada@example.org")) == "ada@example.org"
