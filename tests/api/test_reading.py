"""Every endpoint that reads answers what its documentation says, in few queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common import clock
from nodes.models import Node
from reservations.services import capacity
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node


@pytest.fixture
def lab(db: None) -> Lab:
    return make_lab()


@pytest.fixture
def node(db: None) -> Node:
    return make_open_node()


def named(lab: Lab, node: Node) -> dict[str, object]:
    """What the addresses below are about, by the names that they have for it."""
    reservation = lab.book([node.devices.first()], in_days(3))
    return {
        "node": node.slug, "project": lab.project.slug, "reservation": reservation.uid,
        "decision": reservation.decision.uid, "person": lab.member.uid,
        "organisation": factories.make_organisation().slug,
        "own": factories.make_organisation(lead=lab.member).slug,
    }  # fmt: skip


PUBLIC = [
    "prices", "prices?sort=-price&owner=public", "nodes", "nodes?country=FR&limit=1", "nodes/{node}",
    "nodes/{node}/slots", "nodes/{node}/slots?minutes=60", "timetable", "timetable?week=2026-W48&page=1",
    "policy", "fairness", "status", "ledger/entries", "ledger/entries?kind=decision&limit=1", "", "rules",
    "announcements", "organisations", "organisations?kind=lab&country=FR", "organisations/{organisation}",
]  # fmt: skip
OWN = [
    "me", "me/tokens", "reservations", "reservations?state=booked&limit=1", "reservations/{reservation}",
    "reservations/{reservation}/runs", "projects", "projects?role=member", "projects/{project}",
    "decisions/{decision}", "me/notices", "me/notices/preferences", "applications",
    "projects/{project}/members", "projects/{project}/members/{person}", "organisations/{own}/members",
    "organisations/{own}/members/{person}",
]  # fmt: skip


@pytest.mark.parametrize("path", [*PUBLIC, *OWN])
def test_it_answers_in_at_most_eight_queries(lab: Lab, node: Node, path: str) -> None:
    capacity.measure(at=clock.now())
    names = named(lab, node)
    client = Client()
    if path in OWN:
        client.force_login(lab.member)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"/api/v1/{path.format(**names)}")
    assert answer.status_code == 200, answer.content
    asked = [query["sql"] for query in queries]
    assert len(asked) <= 8, "\n".join(asked)


@pytest.mark.parametrize("path", OWN)
def test_what_is_ones_own_is_nobody_elses(lab: Lab, node: Node, path: str) -> None:
    names = named(lab, node)
    address = f"/api/v1/{path.format(**names)}"
    answer = Client().get(address)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    stranger = Client()
    stranger.force_login(make_lab().member)
    if "{" in path:
        assert stranger.get(address).status_code == 404
    else:
        assert str(names["reservation"]) not in stranger.get(address).content.decode()
