"""The page where one begins: who may, what it says before, what it makes, and rules that are new."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts import services as accounts
from accounts.domain import house_rules
from accounts.models import HouseRulesAcceptance, Project, User
from accounts.services import house_rules as house_rules_service
from common import clock
from pricing.models import Grant
from reservations.services import shares
from tests import factories

pytestmark = pytest.mark.django_db
VERSION = house_rules.CURRENT.number


@pytest.fixture
def mila() -> User:
    """Signed up a minute ago: her address is proved."""
    shares.ensure_independent_account(shares=10)
    factories.make_line("500", name="For all", allowance_hours=Decimal(20), allowance_amount=Decimal(30))
    return accounts.create_person(email="mila@example.org", password=None)


@pytest.fixture
def page(client: Client, mila: User) -> Client:
    client.force_login(mila)
    return client


def filled(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Mila", "project_name": "Night sky", "rules_version": VERSION, "accept": "on",
    } | changes  # fmt: skip


def test_a_stranger_is_led_to_sign_in_and_changes_nothing(client: Client, mila: User) -> None:
    for answer in (client.get("/welcome/"), client.post("/welcome/", filled())):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/?next=/")
    assert not Project.objects.exists()


def test_it_tells_before_what_will_be_public_and_who_pays(page: Client) -> None:
    shown = page.get("/welcome/").content.decode()
    for sentence in (
        "because public money pays",
        "20 device-hours a month",
        "For all",
        "Your name and your e-mail address are never published.",
        f"I accept version {VERSION} of the house rules.",
        "Use what you book",  # the rules themselves, in place
    ):
        assert sentence in shown
    assert "mila" not in page.get("/welcome/").context["form"]["project_name"].value().lower()


def test_who_accepts_has_a_project_and_is_where_one_can_do_something(page: Client, mila: User) -> None:
    answer = page.post("/welcome/", filled(), follow=True)
    assert answer.redirect_chain[-1][0] == "/start/"
    assert "Night sky" in answer.content.decode()
    project = Project.objects.get(personal_to=mila)
    assert (project.name, Grant.objects.filter(project=project).count()) == ("Night sky", 2)


def test_a_form_sent_twice_makes_one_project(page: Client) -> None:
    for _again in range(2):
        assert page.post("/welcome/", filled()).status_code == 302
    assert Project.objects.count() == 1


def test_somebody_else_is_not_touched(page: Client, mallory: User) -> None:
    page.post("/welcome/", filled())
    assert not Project.objects.filter(personal_to=mallory).exists()
    assert User.objects.get(pk=mallory.pk).name == "Mallory"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"accept": ""}, "Without the house rules nothing can be booked."),
        ({"name": " "}, "Write your name."),
        ({"project_name": "a@b.c"}, "leave out e-mail addresses"),
    ],
)
def test_a_fault_is_said_beside_its_field_and_nothing_typed_is_lost(
    page: Client, changes: dict[str, str], sentence: str
) -> None:
    answer = page.post("/welcome/", filled(name="Mila M.") | changes)
    shown = answer.content.decode()
    assert answer.status_code == 400
    assert sentence in shown
    assert shown.count("field__error") == 1
    if "name" not in changes:
        assert 'value="Mila M."' in shown
    assert not Project.objects.exists()


def test_an_address_that_is_not_proved_gets_no_project(client: Client, mila: User) -> None:
    unproved = factories.make_user("eve", accepts_rules=False)
    client.force_login(unproved)
    answer = client.post("/welcome/", filled())
    assert "Prove first that eve@example.org is yours" in answer.content.decode()
    assert not Project.objects.exists()


def test_markup_in_a_name_stays_text(page: Client) -> None:
    page.post("/welcome/", filled(project_name="<b>bold</b>{{ 7|add:7 }}"))
    shown = page.get("/start/").content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt;{{ 7|add:7 }}" in shown
    assert "<b>bold" not in shown


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/book/?week=2026-W49", "/book/?week=2026-W49"),
        ("https://elsewhere.example/", "/start/"),
        ("", "/start/"),
    ],
)
def test_it_leads_on_to_where_one_was_going_on_this_site(page: Client, wanted: str, leads_to: str) -> None:
    assert page.post("/welcome/", filled(next=wanted))["Location"] == leads_to


def test_who_has_begun_already_is_led_on(page: Client) -> None:
    page.post("/welcome/", filled())
    assert page.get("/welcome/", {"next": "/book/"})["Location"] == "/book/"


def test_who_was_let_in_by_a_steward_gets_a_project_of_their_own_too(client: Client, mila: User) -> None:
    """With the rules accepted there is nothing to accept; the project is what is missing."""
    ada = accounts.create_person(email="ada@example.org", password=None, name="Ada")
    house_rules_service.accept_house_rules(user=ada, version=VERSION, at=clock.now())
    client.force_login(ada)
    assert 'name="accept"' not in client.get("/welcome/").content.decode()
    assert client.post("/welcome/", filled(name="Ada", accept="")).status_code == 302
    assert Project.objects.filter(personal_to=ada).exists()


# --- a new version ------------------------------------------------------------------------------------
@pytest.fixture
def _second_version(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules of tomorrow: a text, and what it says otherwise than the one before."""
    folder = tmp_path / "accounts" / "house_rules"
    folder.mkdir(parents=True)
    (folder / "2.en.html").write_text("<p>All of the second version.</p>")
    (folder / "2.changes.en.html").write_text("<p>Cancel an hour before.</p>")
    first = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**first, "DIRS": [tmp_path, *first["DIRS"]]}]
    monkeypatch.setattr(house_rules, "CURRENT", house_rules.Version(2, house_rules.CURRENT.since))


@pytest.fixture
def of_yesterday(page: Client, mila: User, request: pytest.FixtureRequest) -> Client:
    """Mila as she was while the first version was in force."""
    page.post("/welcome/", filled())
    request.getfixturevalue("_second_version")
    return page


def test_new_rules_are_asked_for_anew_with_what_changed(of_yesterday: Client, mila: User) -> None:
    assert of_yesterday.get("/start/")["Location"] == "/welcome/?next=/start/"
    shown = of_yesterday.get("/welcome/").content.decode()
    assert "The house rules have changed" in shown
    assert "Cancel an hour before." in shown
    assert "All of the second version." in shown
    assert 'name="project_name"' not in shown
    assert of_yesterday.post("/welcome/", filled(rules_version=2)).status_code == 302
    assert of_yesterday.get("/start/").status_code == 200
    assert sorted(HouseRulesAcceptance.objects.filter(user=mila).values_list("version", flat=True)) == [1, 2]
    assert Project.objects.count() == 1


def test_rules_that_changed_while_one_was_reading_are_shown_before_they_are_accepted(
    page: Client, mila: User, request: pytest.FixtureRequest
) -> None:
    assert page.get("/welcome/").context["page"].rules.version == 1
    request.getfixturevalue("_second_version")
    answer = page.post("/welcome/", filled(rules_version=1))
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "Version 2 of the house rules is in force, you read version 1." in shown
    assert "All of the second version." in shown
    assert 'name="rules_version" value="2"' in shown
    assert "checked" not in shown
    assert not Project.objects.exists()


def test_reading_stays_open_to_who_has_not_accepted(of_yesterday: Client) -> None:
    project = Project.objects.get()
    for address in ("/", "/book/", "/prices/", "/projects/", f"/projects/{project.slug}/", "/me/", "/rules/"):
        factories.make_policy()
        assert of_yesterday.get(address).status_code == 200, address
