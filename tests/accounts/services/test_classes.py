from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.domain.classes import LONGEST, VOUCHED_FOR, vouched_for_by
from accounts.errors import ClassRefused, StewardActRefused
from accounts.models import ClassGrant, Organisation, Project, User
from accounts.services import classes
from common import clock
from tests import factories


def give(project: Project, by: User, **fields: Any) -> Project:
    now = clock.now()
    fields = {
        "project_class": "citizen", "reason": "Statutes of the association, register W751000001",
        "expires_at": now + timedelta(days=365), "at": now,
    } | fields  # fmt: skip
    return classes.give_class(project=project, by=by, **fields)


def test_a_class_is_given_with_a_reason_and_an_end(ada: User, lena: User) -> None:
    project = give(factories.make_project(lead=ada, project_class="independent"), lena)
    kept = ClassGrant.objects.get()
    assert (project.project_class, project.class_expires_at) == ("citizen", kept.expires_at)
    assert (kept.given_by, kept.on_behalf_of) == (lena, None)
    for missing in ({"reason": " "}, {"expires_at": None}, {"expires_at": clock.now()}):
        with pytest.raises(ClassRefused):
            give(project, lena, **missing)
    with pytest.raises(ClassRefused, match="A class holds until"):
        give(project, lena, expires_at=clock.now() + LONGEST + timedelta(days=1))


def test_a_steward_judges_no_project_of_their_own(ada: User, lena: User) -> None:
    project = factories.make_project(lena, lead=ada, project_class="independent")
    with pytest.raises(StewardActRefused, match="another steward"):
        give(project, lena)
    assert not ClassGrant.objects.exists()


def test_independent_needs_no_end(ada: User, lena: User) -> None:
    project = give(factories.make_project(lead=ada), lena, project_class="independent")
    assert (project.project_class, project.class_expires_at) == ("independent", None)


@pytest.mark.parametrize("kind", Organisation.Kind.values)
def test_organisations_vouch_for_what_their_kind_permits(kind: str, ada: User) -> None:
    organisation = factories.make_organisation(kind, lead=ada)
    project = factories.make_project(lead=ada)
    for wanted in Project.Class.values:
        if wanted in VOUCHED_FOR.get(kind, ()) or wanted == "independent":
            assert give(project, ada, project_class=wanted, on_behalf_of=organisation).project_class == wanted
        else:
            with pytest.raises(ClassRefused, match="cannot vouch"):
                give(project, ada, project_class=wanted, on_behalf_of=organisation)


def test_an_unverified_organisation_vouches_for_nothing() -> None:
    assert vouched_for_by("funder", is_verified=False) == {"independent"}


def test_a_class_lapses_once(ada: User, lena: User) -> None:
    now = clock.now()
    project = give(factories.make_project(lead=ada), lena, expires_at=now + timedelta(days=1))
    assert classes.let_lapse(at=now) == 0
    assert classes.let_lapse(at=now + timedelta(days=1)) == 1
    assert classes.let_lapse(at=now + timedelta(days=1)) == 0
    project.refresh_from_db()
    assert project.project_class == "independent"
    assert ada.notices.get().kind == "class_ended"
