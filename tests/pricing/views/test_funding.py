from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organisation, OrganisationMembership, Project, User
from common import clock
from pricing.models import FundingLine, Grant
from tests import factories

pytestmark = pytest.mark.django_db
D = Decimal
DAY = timedelta(days=1)
NASTY = "<script>alert(1)</script>{{ 7|add:7 }}{% now 'Y' %}"


@pytest.fixture
def lead() -> User:
    return factories.make_user("fatou")


@pytest.fixture
def funder(lead: User) -> Organisation:
    made = factories.make_organisation("funder", lead=lead, slug="fund", name="Fund")
    OrganisationMembership.objects.create(organisation=made, user=factories.make_user("mina"))
    return made


@pytest.fixture
def line(funder: Organisation) -> FundingLine:
    now = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    valid = factories.between(now - DAY, now + 300 * DAY)
    return factories.make_line("1000", funder=funder, name="Climate", valid=valid)


@pytest.fixture
def project() -> Project:
    return factories.make_project(slug="eddies", name="Eddies", uses_public_money=True)


def signed_in(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def new_line(**fields: Any) -> dict[str, Any]:
    today = clock.now().date()
    return {
        "name": "Citizens 2027", "purpose": "Citizen science", "amount": "5000", "first_day": today,
        "last_day": today + 30 * DAY, "classes": ["citizen"],
    } | fields  # fmt: skip


def new_grant(line: FundingLine, **fields: Any) -> dict[str, Any]:
    today = clock.now().date()
    return {
        "project": "eddies", "line": line.uid, "name": "Grant 7", "purpose": "Resolving eddies",
        "first_day": today, "last_day": today + 30 * DAY, "unit": "eur", "amount": "250",
    } | fields  # fmt: skip


def everybody(funder: Organisation) -> dict[str, User | None]:
    people = {one.role: one.user for one in funder.memberships.select_related("user")}
    other_funder, owner = factories.make_user(), factories.make_user()
    factories.make_organisation("funder", lead=other_funder)
    factories.make_organisation("owner", lead=owner)
    return {
        "stranger": None, "outsider": factories.make_user(), "member": people["member"],
        "lead": people["lead"], "owner": owner, "other funder": other_funder,
        "steward": factories.make_user(is_steward=True),
    }  # fmt: skip


EXPECTED = {
    "stranger": 302, "outsider": 404, "member": 403, "owner": 404, "other funder": 404, "steward": 404,
}  # fmt: skip


def test_only_leads_of_the_funder_see_lines_and_grants(
    funder: Organisation, line: FundingLine, project: Project
) -> None:
    people = everybody(funder)
    for name in ("funding", "line_new", "grant_new"):
        url = reverse(name, args=["fund"])
        answers = {who: signed_in(user).get(url).status_code for who, user in people.items()}
        assert answers == EXPECTED | {"lead": 200}, name


def test_only_leads_of_the_funder_give(funder: Organisation, line: FundingLine, project: Project) -> None:
    people = everybody(funder)
    lead = people.pop("lead")
    writes = {
        reverse("line_new", args=["fund"]): new_line(),
        reverse("grant_new", args=["fund"]): new_grant(line),
        reverse("line_close", args=["fund", line.uid]): {},
    }
    for url, body in writes.items():
        answers = {who: signed_in(user).post(url, body).status_code for who, user in people.items()}
        assert answers == EXPECTED, url
    assert (FundingLine.objects.count(), Grant.objects.count()) == (1, 0)
    for url, body in writes.items():
        assert signed_in(lead).post(url, body).status_code == 302, url
    line.refresh_from_db()
    assert (line.committed, FundingLine.objects.count(), Grant.objects.count()) == (250, 2, 1)
    assert line.closed_at is not None


@pytest.mark.parametrize("kind", ["owner", "lab", "operator"])
def test_other_kinds_have_no_such_pages(kind: str, lead: User) -> None:
    other = factories.make_organisation(kind, lead=lead)
    assert signed_in(lead).get(reverse("funding", args=[other.slug])).status_code == 403


def test_until_a_steward_verified_it_a_funder_gives_nothing(funder: Organisation, lead: User) -> None:
    Organisation.objects.update(verified_at=None)
    for name in ("funding", "line_new", "grant_new"):
        assert signed_in(lead).get(reverse(name, args=["fund"])).status_code == 403
    assert signed_in(lead).post(reverse("line_new", args=["fund"]), new_line()).status_code == 403
    assert not FundingLine.objects.exists()


def test_another_funders_line_is_not_closed_here(lead: User, funder: Organisation) -> None:
    foreign = factories.make_line()
    assert signed_in(lead).post(reverse("line_close", args=["fund", foreign.uid])).status_code == 404
    answer = signed_in(lead).post(reverse("grant_new", args=["fund"]), new_grant(foreign))
    assert answer.status_code == 400
    foreign.refresh_from_db()
    assert foreign.closed_at is None


def test_hours_are_given_with_the_eur_they_may_cost(lead: User, line: FundingLine, project: Project) -> None:
    body = new_grant(line, unit="hours", amount="", hours="100", price="2.5")
    assert signed_in(lead).post(reverse("grant_new", args=["fund"]), body).status_code == 302
    grant = Grant.objects.get()
    assert (grant.hours, grant.amount, grant.created_by) == (100, 250, lead)
    page = signed_in(lead).get(reverse("funding", args=["fund"])).content.decode()
    assert "100.0 of 100.0" in page
    assert "EUR\xa0750.00 left to give" in page


def test_a_preview_says_what_it_buys_and_gives_nothing(
    lead: User, line: FundingLine, project: Project
) -> None:
    node = factories.make_node()
    factories.publish_prices(node)
    answer = signed_in(lead).post(reverse("grant_new", args=["fund"]), new_grant(line, preview="1"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "EUR\xa0250.00. At today’s prices" in page
    (row,) = answer.context["buys"]
    assert row.hours * row.price <= 250 < (row.hours + D("0.01")) * row.price
    hours = new_grant(line, preview="1", unit="hours", hours="3", price="100")
    (row,) = signed_in(lead).post(reverse("grant_new", args=["fund"]), hours).context["buys"]
    assert row.hours == 3
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"amount": "1000.01"}, 409, "has EUR\xa01,000.00 left of EUR\xa01,000.00; this grant needs"),
        ({"amount": ""}, 400, "This is needed here."),
        ({"unit": "hours", "hours": "5"}, 400, "This is needed here."),
        ({"project": "nobody"}, 400, "No project that you can see is called so."),
        ({"amount": "-1"}, 400, "greater than or equal to"),
        ({"amount": "NaN"}, 400, "Enter a number."),
        ({"last_day": "9999-12-31"}, 400, "too far away"),
        ({"last_day": "2020-01-01"}, 400, "before the beginning"),
        ({"name": "Grant\r\nBcc: x@example.org"}, 400, "on one line"),
    ],
)
def test_a_grant_refused_says_why_and_keeps_what_was_typed(
    fields: dict[str, Any], status: int, said: str, lead: User, line: FundingLine, project: Project
) -> None:
    answer = signed_in(lead).post(reverse("grant_new", args=["fund"]), new_grant(line, **fields))
    page = answer.content.decode()
    assert answer.status_code == status
    assert said in page
    assert "Resolving eddies" in page
    assert not Grant.objects.exists()


# --- which project ---
def grant_page(lead: User, line: FundingLine, text: str) -> Any:
    return signed_in(lead).post(reverse("grant_new", args=["fund"]), new_grant(line, project=text))


def without_secrets(page: Any) -> str:
    secrets = r'csrfmiddlewaretoken" value="\w+|ftoken": "\w+|nonce="[^"]+'
    return re.sub(rf"{secrets}|[0-9T:-]+Z|[0-9:]+ [A-Z]+</time>", "", page.content.decode())


def test_a_project_that_one_may_not_know_of_is_answered_as_none(lead: User, line: FundingLine) -> None:
    factories.make_project(slug="secret-one", name="Secret one")
    hidden = without_secrets(grant_page(lead, line, "secret-one"))
    nothing = without_secrets(grant_page(lead, line, "hidden-one"))
    assert hidden.replace("secret-one", "hidden-one") == nothing
    assert grant_page(lead, line, "Secret one").status_code == 400
    address = "/api/v1/organisations/fund/grants"
    body = {
        "name": "G", "purpose": "P", "line": str(line.uid), "amount": "1.00",
        "valid_from": clock.now().isoformat(), "valid_until": (clock.now() + DAY).isoformat(),
    }  # fmt: skip
    answers = [
        signed_in(lead).post(address, body | {"project": slug}, content_type="application/json")
        for slug in ("secret-one", "hidden-one")
    ]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert not Grant.objects.exists()


def test_its_id_finds_a_project_that_is_not_public(lead: User, line: FundingLine) -> None:
    secret = factories.make_project(slug="secret-one", lead=factories.make_user("noor"))
    assert grant_page(lead, line, str(uuid4())).status_code == 400
    assert grant_page(lead, line, str(secret.uid)).status_code == 302
    assert grant_page(lead, line, "secret-one").status_code == 302  # the funder knows it from now on
    assert secret.grants.count() == 2
    settings = signed_in(User.objects.get(name__iexact="noor")).get("/projects/secret-one/settings/")
    assert str(secret.uid) in settings.content.decode()


def test_a_name_is_enough_unless_several_have_it(lead: User, line: FundingLine, project: Project) -> None:
    assert grant_page(lead, line, " eddIES ").status_code == 302
    factories.make_project(slug="eddies-2", name="Eddies", uses_public_money=True)
    assert grant_page(lead, line, "eddies").status_code == 302  # an address goes first
    both = grant_page(lead, line, "EDDIES")
    assert both.status_code == 400
    assert "eddies, eddies-2" in both.content.decode()


def test_while_somebody_types_what_fits_is_offered(lead: User, line: FundingLine, project: Project) -> None:
    factories.make_project(slug="secret-eddies", name="Secret eddies")
    for number in range(25):
        factories.make_project(slug=f"tide-{number:02}", name=f"Tide {number:02}", uses_public_money=True)
    page = signed_in(lead).get(reverse("grant_new", args=["fund"])).content.decode()
    assert page.count("<option value=") > 1  # without JavaScript the first are there
    offered = signed_in(lead).get(reverse("grant_projects", args=["fund"]), {"project": "DDI"})
    assert offered.content.decode().strip() == '<option value="eddies">Eddies (Research)</option>'
    tides = signed_in(lead).get(reverse("grant_projects", args=["fund"]), {"project": "tide"})
    assert tides.content.decode().count("<option") == 20
    assert signed_in(factories.make_user()).get(reverse("grant_projects", args=["fund"])).status_code == 404


def test_what_came_back_to_the_line_is_shown(lead: User, line: FundingLine, project: Project) -> None:
    factories.make_grant(project, "100", funder=line.funder, line=line, returned=D(40), used=D(60))
    page = signed_in(lead).get(reverse("funding", args=["fund"])).content.decode()
    assert "40.00 back on the line" in page
    shown = signed_in(lead).get("/api/v1/organisations/fund/grants").json()["items"][0]
    assert (shown["returned"], shown["left"]) == ("40.000000", "0.000000")


def test_a_line_of_the_allowance_is_entered_here(lead: User, funder: Organisation) -> None:
    url, client = reverse("line_new", args=["fund"]), signed_in(lead)
    fields = {"classes": [], "allowance_hours": "20", "allowance_amount": "60"}
    assert client.post(url, new_line(**fields)).status_code == 302
    page = client.get(reverse("funding", args=["fund"])).content.decode()
    assert "Universal allowance: 20 device-hours a month for each, EUR\xa060.00 at most." in page
    second = client.post(url, new_line(**fields, name="Another"))
    assert second.status_code == 400
    assert "Another line pays the universal allowance" in second.content.decode()


def test_closing_is_read_before_it_is_done(lead: User, line: FundingLine) -> None:
    page = signed_in(lead).get(reverse("line_close", args=["fund", line.uid])).content.decode()
    assert "EUR\xa01,000.00 stay with you" in page
    line.refresh_from_db()
    assert line.closed_at is None


def test_names_are_text(lead: User, line: FundingLine) -> None:
    factories.make_project(slug="nasty", name=NASTY, uses_public_money=True)
    body = new_grant(line, project="nasty", name=NASTY[:80], purpose=NASTY)
    assert signed_in(lead).post(reverse("grant_new", args=["fund"]), body).status_code == 302
    page = signed_in(lead).get(reverse("funding", args=["fund"])).content.decode()
    assert "<script>alert" not in page
    assert "{{ 7|add:7 }}" in page


@pytest.mark.parametrize("name", ["funding", "line_new", "grant_new"])
def test_a_page_costs_at_most_eight_queries(
    name: str, lead: User, funder: Organisation, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        line = factories.make_line(funder=funder)
        project = factories.make_project()
        factories.make_grant(project, funder=funder, line=line)
        factories.make_grant(
            project, funder=funder, line=line, hours=D(20), allowance_month=f"2026-0{number + 1}-01"
        )
    client = signed_in(lead)
    client.get(reverse("organisations"))
    with django_assert_max_num_queries(8):
        client.get(reverse(name, args=["fund"]))
