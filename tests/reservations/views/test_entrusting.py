"""The page on which stewards give an organisation an account, as everybody who might come there."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organisation, OrganisationMembership
from reservations.models import Vertex
from reservations.services import entrusting, shares
from tests import factories
from tests.reservations.services.test_moving import make_account
from tests.reservations.views.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
STEWARDS_ONLY = {"stranger": 302, "outsider": 404, "member": 404, "lead": 404}


@pytest.fixture
def cast(db: None) -> Cast:
    """The lead and the member belong to the organisation, too; the outsider owns nodes."""
    made = make_cast()
    factories.make_organisation("owner", lead=made.outsider)
    return made


@pytest.fixture
def agency(cast: Cast) -> Organisation:
    found = factories.make_organisation("funder", lead=cast.lead, name="Agency", slug="agency")
    OrganisationMembership.objects.create(organisation=found, user=cast.member, role="member")
    return found


PAGE = "/steward/organisations/agency/account/"


@pytest.mark.usefixtures("agency")
def test_an_account_is_given_changed_and_taken_back_by_stewards_alone(cast: Cast) -> None:
    account, _other = make_account("Universities", 3), make_account("Others", 1)
    assert cast.statuses("get", PAGE) == {**STEWARDS_ONLY, "steward": 200}
    data: dict[str, object] = {"account": account.pk, "shares": "", "reason": "Agreed."}
    assert cast.statuses("post", PAGE, data) == {**STEWARDS_ONLY, "steward": 302}
    page = cast.signed_in("steward").get(PAGE).content.decode()
    assert "Universities" in page
    assert "75.00" in page  # of everything
    assert "Universities (3) → Universities (3). Agreed." in page
    assert "Universities" in cast.signed_in("lead").get("/organisations/agency/shares/").content.decode()
    own = f"{PAGE}{account.pk}/"
    assert cast.statuses("get", own) == {**STEWARDS_ONLY, "steward": 200}
    data = {"shares": 1, "reason": "Less."}
    assert cast.statuses("post", own, data) == {**STEWARDS_ONLY, "steward": 302}
    account.refresh_from_db()
    assert account.shares == 1
    assert cast.statuses("post", f"{own}take-back/", {"reason": "Over."}) == {**STEWARDS_ONLY, "steward": 302}
    account.refresh_from_db()
    assert account.organisation is None
    assert cast.signed_in("steward").get(own).status_code == 404


@pytest.mark.usefixtures("agency")
def test_after_saving_its_part_of_everything_is_said(cast: Cast) -> None:
    above = make_account("Funders", 1)
    make_account("Others", 3)
    data = {"name": "Agency", "parent": above.pk, "shares": 2, "reason": "Agreed."}
    said = cast.signed_in("steward").post(PAGE, data, follow=True).content.decode()
    assert "Agency is promised 25.00" in said
    assert Vertex.objects.get(name="Agency").parent == above


@pytest.mark.usefixtures("agency")
def test_what_is_refused_is_said_in_place_and_nothing_typed_is_lost(cast: Cast) -> None:
    above = make_account("Funders", 1)
    shares.create_account(parent=above, name="Agency", shares=1)
    client = cast.signed_in("steward")
    data = {"name": "Agency", "parent": above.pk, "shares": 2, "reason": "Agreed on Monday."}
    answer = client.post(PAGE, data)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Funders has “Agency” already." in page
    assert 'value="Agreed on Monday."' in page
    assert f'<option value="{above.pk}" selected' in page
    assert client.post(PAGE, data | {"reason": ""}).status_code == 400
    taken = Vertex.objects.get(name="Agency")
    client.post(PAGE, {"account": taken.pk, "reason": "Agreed."})
    same = client.post(f"{PAGE}{taken.pk}/", {"shares": 1, "reason": "Again."})
    assert same.status_code == 400
    assert "Agency has these shares already: 1." in same.content.decode()
    unsaid = client.post(f"{PAGE}{taken.pk}/take-back/", {"reason": ""})
    assert unsaid.status_code == 400
    assert Vertex.objects.get(name="Agency").organisation is not None


def test_a_steward_without_a_second_factor_reads_and_does_not_act(agency: Organisation) -> None:
    account = make_account()
    Vertex.objects.filter(pk=account.pk).update(organisation=agency)
    client = Client()
    client.force_login(factories.make_user(is_steward=True))
    for address in (PAGE, f"{PAGE}{account.pk}/"):
        assert client.get(address).status_code == 200
        assert client.post(address, {"shares": 9, "reason": "x"}).status_code == 403
    assert client.post(f"{PAGE}{account.pk}/take-back/", {"reason": "x"}).status_code == 403


def test_a_verified_organisation_s_case_leads_there(cast: Cast, agency: Organisation) -> None:
    case = "/steward/organisations/agency/"
    assert f'href="{PAGE}"' in cast.signed_in("steward").get(case).content.decode()
    Organisation.objects.update(verified_at=None)
    assert f'href="{PAGE}"' not in cast.signed_in("steward").get(case).content.decode()
    assert "answer its registration first" in cast.signed_in("steward").get(PAGE).content.decode()
    OrganisationMembership.objects.create(organisation=agency, user=cast.steward, role="member")
    Organisation.objects.update(verified_at="2026-11-01T00:00Z")
    assert "another steward does this" in cast.signed_in("steward").get(PAGE).content.decode()


def test_the_page_does_not_grow_its_queries(cast: Cast, agency: Organisation) -> None:
    for name in "ABCD":
        Vertex.objects.filter(pk=make_account(name, 1).pk).update(organisation=agency)
    client = cast.signed_in("steward")
    client.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        client.get(PAGE)
    assert len(queries) <= 14, [query["sql"][:90] for query in queries]


def test_what_another_steward_took_back_in_this_moment_is_no_longer_there(
    cast: Cast, agency: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account()
    Vertex.objects.filter(pk=account.pk).update(organisation=agency)
    change = entrusting.change_shares

    def too_late(**asked: Any) -> Vertex:
        Vertex.objects.filter(pk=account.pk).update(organisation=None)
        return change(**asked)

    monkeypatch.setattr(entrusting, "change_shares", too_late)
    answer = cast.signed_in("steward").post(f"{PAGE}{account.pk}/", {"shares": 9, "reason": "x"})
    assert answer.status_code == 404
    account.refresh_from_db()
    assert account.shares == 3
