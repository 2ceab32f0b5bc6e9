"""A steward reads what was decided and booked in the admin, and changes none of it there."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from nodes.models import Node
from pricing.models import Charge, Grant
from reservations.errors import Refused
from reservations.models import Decision, Policy, Reservation, Vertex
from reservations.services import settle
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

TABLES = [Policy, Vertex, Decision, Reservation, Grant, Charge]


@pytest.fixture
def node(db: None) -> Node:
    return make_open_node()


@pytest.fixture
def lab(node: Node) -> Lab:
    """One project with a slot that is over and charged, one to come, and a refusal."""
    return with_history(make_lab(), node)


def with_history(lab: Lab, node: Node) -> Lab:
    over = lab.book([node.devices.first()], None, hours=1)
    settle.settle_ended(at=over.during.upper)
    lab.book([node.devices.last()], in_days(3))
    with pytest.raises(Refused):
        lab.book([node.devices.last()], in_days(3))
    return lab


@pytest.fixture
def steward(client: Client, db: None) -> Client:
    steward = factories.make_user("steward", is_staff=True, is_superuser=True, is_steward=True)
    client.force_login(factories.give_second_factor(steward))
    return client


def address(table: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{table._meta.label_lower.replace('.', '_')}_{page}", args=args)


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("table", TABLES)
def test_a_steward_reads_every_row_and_changes_none(steward: Client, table: type[Model]) -> None:
    before = list(table._default_manager.order_by("pk").values())
    assert before
    assert steward.get(address(table, "changelist")).status_code == 200
    assert steward.get(address(table, "add")).status_code == 403
    assert steward.post(address(table, "add"), {}).status_code == 403
    for row in before:
        page = steward.get(address(table, "change", row["id"]))
        assert page.status_code == 200
        assert b'name="_save"' not in page.content
        assert steward.post(address(table, "change", row["id"]), {"name": "x"}).status_code == 403
        assert steward.post(address(table, "delete", row["id"]), {"post": "yes"}).status_code == 403
    remove = {"action": "delete_selected", "_selected_action": [row["id"] for row in before], "post": "yes"}
    steward.post(address(table, "changelist"), remove)
    assert list(table._default_manager.order_by("pk").values()) == before


@pytest.mark.parametrize("table", TABLES)
def test_a_list_takes_the_same_queries_however_long(
    steward: Client, lab: Lab, node: Node, table: type[Model]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            steward.get(address(table, "changelist"))
        return len(captured)

    queries()
    before = queries()
    for _more in range(2):
        with_history(make_lab(), make_open_node())
    assert queries() == before


def test_a_decision_says_which_rule_refused_and_under_which_policy(steward: Client, lab: Lab) -> None:
    page = steward.get(address(Decision, "changelist"), {"outcome__exact": "refused"}).content.decode()
    assert '<td class="field-refusing">free</td>' in page
    assert '<td class="field-policy_version">1</td>' in page


def test_a_reservation_lists_its_devices_with_what_was_frozen(steward: Client, lab: Lab, node: Node) -> None:
    reservation = Reservation.objects.filter(state="booked").get()
    page = steward.get(address(Reservation, "change", reservation.pk)).content.decode()
    (reserved,) = reservation.devices.all()
    assert node.name in page
    assert str(reserved.price) in page


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("table", TABLES)
def test_who_is_no_steward_is_refused(client: Client, mallory: User, table: type[Model]) -> None:
    client.force_login(mallory)
    assert client.get(address(table, "changelist")).status_code == 403
