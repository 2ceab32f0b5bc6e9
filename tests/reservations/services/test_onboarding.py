"""Everybody's beginning: one personal project, its place, its allowance; however often it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from accounts import services as accounts
from accounts.domain import house_rules
from accounts.errors import RulesOutOfDate
from accounts.models import HouseRulesAcceptance, Organisation, Project, User
from accounts.selectors.house_rules import has_accepted
from accounts.services.house_rules import accept_house_rules
from common import clock
from common.ranges import between
from pricing.models import FundingLine, Grant
from reservations.errors import NoIndependentAccount, ShareRefused, WelcomeRefused
from reservations.models import Vertex
from reservations.services import shares
from reservations.services.onboarding import welcome
from tests import factories
from tests.races import at_once, split

VERSION = house_rules.CURRENT.number
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def newcomer(email: str = "mila@example.org") -> User:
    """Somebody whose address is proved, and who has done nothing else yet."""
    return accounts.create_person(email=email, password=None)


@pytest.fixture
def account(db: None) -> Vertex:
    return shares.ensure_independent_account(shares=10)


@pytest.fixture
def line(db: None) -> FundingLine:
    return make_line()


def make_line() -> FundingLine:
    """It pays the allowance around `AT`, whenever these tests are run."""
    valid = between(AT - timedelta(days=30), AT + timedelta(days=300))
    return factories.make_line("1000", allowance_hours=Decimal(20), allowance_amount=Decimal(30), valid=valid)


def begin(user: User, *, name: str = "Mila", project_name: str = "Star dust", at: datetime = AT) -> Project:
    return welcome(user=user, name=name, rules_version=VERSION, project_name=project_name, at=at)


def test_a_newcomer_gets_a_project_of_their_own_with_its_place_and_two_months(
    account: Vertex, line: FundingLine
) -> None:
    mila = newcomer()
    project = begin(mila)
    assert (project.name, project.slug, project.personal_to) == ("Star dust", "star-dust", mila)
    assert project.project_class == Project.Class.INDEPENDENT
    assert project.uses_public_money
    assert [(one.user, one.role) for one in project.memberships.all()] == [(mila, "lead")]
    vertex = Vertex.objects.get(project=project)
    assert (vertex.parent, vertex.shares) == (account, 1)
    given = Grant.objects.filter(project=project).order_by("allowance_month")
    assert [(f"{one.allowance_month:%Y-%m}", one.hours, one.line) for one in given] == [
        ("2026-11", Decimal(20), line),
        ("2026-12", Decimal(20), line),
    ]
    mila.refresh_from_db()
    assert mila.name == "Mila"
    assert has_accepted(mila)


def test_beginning_again_changes_nothing_but_the_name(account: Vertex, line: FundingLine) -> None:
    mila = newcomer()
    first = begin(mila)
    again = begin(mila, name="Mila M.", project_name="Another")
    assert again == first
    assert Project.objects.get(personal_to=mila).name == "Star dust"
    assert Grant.objects.count() == 2
    assert HouseRulesAcceptance.objects.filter(user=mila).count() == 1
    assert User.objects.get(pk=mila.pk).name == "Mila M."


@pytest.mark.django_db(transaction=True)
def test_asked_eight_times_at_once_it_is_one_project() -> None:
    shares.ensure_independent_account(shares=10)
    make_line()
    mila = newcomer()
    # Where this is still to be written it makes them wait for each other, and would hide a missing lock.
    accept_house_rules(user=mila, version=VERSION, at=AT)
    made, refused = split(at_once(*[lambda: begin(mila)] * 8))
    assert refused == []
    assert len({project.pk for project in made}) == 1
    assert Project.objects.filter(personal_to=mila).count() == 1
    assert Vertex.objects.filter(project__personal_to=mila).count() == 1
    assert Grant.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_choose_one_name_at_once_everybody_gets_a_project() -> None:
    shares.ensure_independent_account(shares=10)
    people = [newcomer(f"person{number}@example.org") for number in range(8)]
    made, refused = split(at_once(*[lambda person=person: begin(person) for person in people]))
    assert refused == []
    assert len({project.slug for project in made}) == 8
    assert {project.name for project in made} == {"Star dust"}


def test_an_address_that_is_not_proved_gets_nothing(account: Vertex) -> None:
    stranger = factories.make_user()  # without a proved address
    with pytest.raises(WelcomeRefused, match="Prove first"):
        begin(stranger)
    assert not Project.objects.filter(personal_to=stranger).exists()


def test_other_rules_than_those_in_force_are_not_accepted(account: Vertex) -> None:
    mila = newcomer()
    with pytest.raises(RulesOutOfDate):
        welcome(user=mila, name="Mila", rules_version=VERSION + 1, at=AT)
    assert not HouseRulesAcceptance.objects.exists()
    assert not Project.objects.exists()


def test_without_a_name_for_the_project_it_tells_nothing_of_the_person(account: Vertex) -> None:
    project = begin(newcomer("mila.milani@example.org"), name="Mila Milani", project_name="")
    for told in (project.name, project.slug, Vertex.objects.get(project=project).name):
        assert "mila" not in told.lower()
        assert "example" not in told.lower()
    assert project.name.startswith("Personal project ")


def test_the_place_in_the_tree_never_tells_the_name(account: Vertex) -> None:
    project = begin(newcomer(), project_name="Mila Milani")
    assert "mila" not in Vertex.objects.get(project=project).name.lower()


def test_a_name_in_another_script_and_a_taken_or_reserved_one_have_addresses(account: Vertex) -> None:
    names = ["星", "Star dust", "Star dust", "Apply"]
    made = [
        begin(newcomer(f"person{number}@example.org"), project_name=name) for number, name in enumerate(names)
    ]
    assert [project.slug for project in made] == ["project", "star-dust", "star-dust-2", "apply-2"]


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"name": " \n\u202e "}, "name", "A name is needed."),
        ({"name": "x" * 151}, "name", "at most 150 letters, this one has 151"),
        ({"project_name": "mila@example.org"}, "project_name", "leave out e-mail addresses"),
        ({"project_name": "y" * 151}, "project_name", "at most 150 letters"),
    ],
)
def test_a_name_that_cannot_be_is_refused(
    account: Vertex, fields: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(WelcomeRefused, match=sentence) as refusal:
        begin(newcomer(), **fields)
    assert refusal.value.field == field
    assert not Project.objects.exists()


def test_characters_that_steer_are_taken_out_of_names(account: Vertex) -> None:
    mila = newcomer()
    project = begin(mila, name="Mila\r\nBcc: all", project_name="Star\u202edust\n2")
    assert mila.name == "Mila Bcc: all"
    assert project.name == "Star dust 2"


def test_without_a_funder_there_is_a_project_and_no_allowance(account: Vertex) -> None:
    begin(newcomer())
    assert not Grant.objects.exists()


def test_without_the_shared_account_nothing_is_left_half_made(db: None) -> None:
    with pytest.raises(NoIndependentAccount):
        begin(newcomer())
    assert not Project.objects.exists()
    assert not HouseRulesAcceptance.objects.exists()


def test_refusals_are_in_french_too(account: Vertex) -> None:
    with translation.override("fr"), pytest.raises(WelcomeRefused) as refusal:
        begin(newcomer(), name="")
    assert refusal.value.message == "Il faut un nom."


def test_the_command_makes_the_account_once_and_on_an_empty_site_the_root(db: None) -> None:
    call_command("make_independent_account", verbosity=0)
    call_command("make_independent_account", "--shares", "99", verbosity=0)
    account = Vertex.objects.get(is_independent=True)
    assert (account.shares, account.path, account.parent) == (
        10,
        [account.pk],
        Vertex.objects.get(parent=None),
    )


def test_the_command_refuses_where_another_account_has_the_name(db: None) -> None:
    shares.create_account(parent=shares.create_root(name="All"), name="Independent", shares=1)
    with pytest.raises(CommandError, match="already"):
        call_command("make_independent_account", verbosity=0)


def test_shares_below_zero_are_refused(db: None) -> None:
    with pytest.raises(ShareRefused):
        shares.ensure_independent_account(shares=-1)
    assert not Vertex.objects.exists()


def test_a_suspended_personal_project_is_given_nothing_anew(account: Vertex, line: FundingLine) -> None:
    mila = newcomer()
    project = begin(mila)
    Project.objects.filter(pk=project.pk).update(suspended_at=clock.now(), suspension_reason="Looked into")
    begin(mila, at=datetime(2027, 1, 10, tzinfo=UTC))
    assert {f"{grant.allowance_month:%Y-%m}" for grant in Grant.objects.all()} == {"2026-11", "2026-12"}


def test_the_line_is_that_of_a_named_funder(account: Vertex, line: FundingLine) -> None:
    project = begin(newcomer())
    funders = {grant.funder for grant in project.grants.all()}
    assert funders == {line.funder}
    assert line.funder.kind == Organisation.Kind.FUNDER
