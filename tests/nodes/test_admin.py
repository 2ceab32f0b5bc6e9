from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from common.ranges import between
from nodes.models import Lease
from nodes.services import enrolment, occupancy
from tests import factories
from tests.nodes.cast import SigningAgent, make_lease

PAGES = ["site", "node", "agent", "lease", "hold", "holdevent", "closure", "enrolmenttoken"]


@pytest.fixture
def steward(client: Client, db: None) -> Client:
    steward = User.objects.create_superuser("steward@example.org", "correct horse battery")
    client.force_login(factories.give_second_factor(steward))
    agent = SigningAgent()
    make_lease(agent.row.node, script="echo private")
    enrolment.issue_token(node=agent.row.node, by=None, at=agent.row.enrolled_at)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_a_steward_sees_every_list(steward: Client, page: str) -> None:
    assert steward.get(reverse(f"admin:nodes_{page}_changelist")).status_code == 200


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("site", "node")])
def test_what_services_write_is_not_written_by_hand(steward: Client, page: str) -> None:
    assert steward.get(reverse(f"admin:nodes_{page}_add")).status_code == 403


def test_a_lease_is_shown_without_what_people_run(steward: Client) -> None:
    lease = Lease.objects.get()
    page = steward.get(reverse("admin:nodes_lease_change", args=[lease.pk]))
    assert page.status_code == 200
    assert b"echo private" not in page.content
    assert steward.post(reverse("admin:nodes_lease_delete", args=[lease.pk])).status_code == 403


def test_a_node_is_shown_with_its_devices(steward: Client) -> None:
    node = factories.make_node()
    page = steward.get(reverse("admin:nodes_node_change", args=[node.pk]))
    assert b"H100 SXM5" in page.content


@pytest.mark.parametrize("page", [page for page in PAGES if page != "site"])
def test_a_list_takes_the_same_queries_however_long(steward: Client, page: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert steward.get(reverse(f"admin:nodes_{page}_changelist")).status_code == 200
        return len(captured)

    queries()
    before = queries()
    for _more in range(3):
        agent = SigningAgent()
        make_lease(agent.row.node)
        by = factories.make_user()
        enrolment.issue_token(node=agent.row.node, by=by, at=agent.row.enrolled_at)
        device = agent.row.node.devices.first()
        at = agent.row.enrolled_at + timedelta(days=30)
        occupancy.close_devices(
            device_ids=[device.pk], during=between(at, at + timedelta(hours=1)), kind="closure",
            reason="Test", at=agent.row.enrolled_at,
        )  # fmt: skip
    assert queries() == before
