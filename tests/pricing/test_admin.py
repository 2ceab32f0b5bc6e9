from __future__ import annotations

import pytest
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db
TABLES = ("coststatement", "tariff", "sitefee", "grant", "charge", "hourlyimport")


@pytest.fixture
def steward(client: Client) -> Client:
    user = factories.make_user("steward", is_staff=True, is_superuser=True, is_steward=True)
    client.force_login(factories.give_second_factor(user))
    return client


@pytest.mark.parametrize("table", TABLES)
def test_the_desk_reads_and_never_touches(steward: Client, table: str) -> None:
    assert steward.get(f"/admin/pricing/{table}/").status_code == 200
    assert steward.get(f"/admin/pricing/{table}/add/").status_code == 403


def test_a_statement_can_be_read_with_its_components(steward: Client) -> None:
    tariff = factories.publish_prices(factories.make_node(devices=8))
    address = f"/admin/pricing/coststatement/{tariff.statement_id}/change/"
    assert "11424.205" in steward.get(address).content.decode()
    assert steward.post(address, {"number": 7}).status_code == 403


def test_a_grant_can_be_read_and_not_raised(steward: Client) -> None:
    grant = factories.make_grant(factories.make_project(), "1000")
    address = f"/admin/pricing/grant/{grant.pk}/change/"
    assert steward.get(address).status_code == 200
    assert steward.post(address, {"amount": 10**6}).status_code == 403
