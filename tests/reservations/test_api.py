from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common import clock
from nodes.models import Node
from reservations.models import Decision, Reservation
from reservations.services import capacity
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

ADDRESS = "/api/v1/reservations"


@pytest.fixture
def lab(db: None) -> Lab:
    return make_lab()


@pytest.fixture
def node(db: None) -> Node:
    return make_open_node()


def client_of(lab: Lab) -> Client:
    client = Client()
    client.force_login(lab.member)
    return client


def wanted(lab: Lab, node: Node, **fields: Any) -> dict[str, Any]:
    start = in_days(2)
    body = {
        "project": lab.project.slug, "devices": [str(node.devices.first().uid)],
        "start": start.isoformat(), "end": (start + timedelta(hours=2)).isoformat(),
    }  # fmt: skip
    return body | fields


def post(client: Client, body: dict[str, Any]) -> Any:
    return client.post(ADDRESS, body, content_type="application/json")


def test_it_books_shows_lists_and_cancels(lab: Lab, node: Node) -> None:
    client = client_of(lab)
    made = post(client, wanted(lab, node))
    assert made.status_code == 201
    address = made.headers["Location"]
    assert client.get(address).json() == made.json()
    assert client.get(ADDRESS).json() == {"items": [made.json()], "next": None}
    assert made.json()["devices"] == [str(node.devices.first().uid)]
    assert made.json()["start"].endswith("Z")
    cancelled = client.delete(address)
    assert cancelled.json()["state"] == "cancelled"
    assert client.delete(address).status_code == 409


def test_a_refusal_is_a_problem_document_that_names_every_rule(lab: Lab, node: Node) -> None:
    start = in_days(2)
    answer = post(client_of(lab), wanted(lab, node, end=(start + timedelta(hours=200)).isoformat()))
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "refused"
    assert problem["decision_uid"] == str(Decision.objects.get().uid)
    assert [rule["code"] for rule in problem["rules"]] == [
        rule["code"] for rule in Decision.objects.get().rules
    ]
    length = next(rule for rule in problem["rules"] if rule["code"] == "length")
    assert (length["verdict"], length["limit"], length["excess"]) == ("refuse", "168.000000", "32.000000")
    assert length["remedy"]


def test_now_is_a_start(lab: Lab, node: Node) -> None:
    made = post(client_of(lab), wanted(lab, node, start="now", end=in_days(0.2).isoformat()))
    assert made.status_code == 201


def test_a_time_without_a_zone_is_utc_whatever_zone_its_reader_has(lab: Lab, node: Node) -> None:
    lab.member.time_zone = "Asia/Kathmandu"
    lab.member.save()
    start = in_days(2)
    bare = start.replace(tzinfo=None).isoformat()
    assert post(client_of(lab), wanted(lab, node, start=bare)).json()["start"] == f"{bare}Z"


@pytest.mark.parametrize(
    "fault",
    [{"devices": []}, {"devices": ["x"]}, {"start": "soon"}, {"end": None}, {"project": ""}, {"job": {}}],
)
def test_a_malformed_request_is_told_so_and_leaves_nothing(
    lab: Lab, node: Node, fault: dict[str, Any]
) -> None:
    answer = post(client_of(lab), wanted(lab, node) | fault)
    assert answer.status_code == 400
    assert answer.json()["errors"]
    assert not Decision.objects.exists()


@pytest.mark.parametrize("field", ["start", "end"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2090-01-01T00:00:00Z"])
def test_a_time_years_away_is_refused_before_any_rule_counts_its_weeks(
    lab: Lab, node: Node, field: str, moment: str
) -> None:
    answer = post(client_of(lab), wanted(lab, node) | {field: moment})
    assert (answer.status_code, answer.json()["code"]) == (400, "too_far_away")
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("[" * 100_000, "application/json", 400),
        ('{"a":' * 100_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        ('"' + "x" * 5_000_000 + '"', "application/json", 413),
        ("project=x", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_no_json_of_ours_is_refused(
    lab: Lab, body: str | bytes, content_type: str, status: int
) -> None:
    answer = client_of(lab).post(ADDRESS, body, content_type=content_type)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_strangers_get_404_and_nobody_401(lab: Lab, node: Node) -> None:
    stranger = client_of(make_lab())
    reservation = lab.book([node.devices.first()], in_days(3))
    address = f"{ADDRESS}/{reservation.uid}"
    assert stranger.get(address).status_code == 404
    assert stranger.delete(address).status_code == 404
    assert post(stranger, wanted(lab, node)).status_code == 404
    assert stranger.get(ADDRESS).json() == {"items": [], "next": None}
    assert post(Client(), wanted(lab, node)).status_code == 401
    assert Reservation.objects.get().state == "booked"


def test_a_member_who_did_not_book_it_cannot_cancel_and_a_lead_can(lab: Lab, node: Node) -> None:
    address = f"{ADDRESS}/{lab.book([node.devices.first()], in_days(3)).uid}"
    client = Client()
    client.force_login(lab.join())
    assert client.get(address).status_code == 200
    refused = client.delete(address)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_a_keeper")
    assert lab.member.name in refused.json()["detail"]
    client.force_login(lab.join("lead"))
    assert client.delete(address).json()["state"] == "cancelled"


def test_a_booking_over_http_takes_at_most_fifteen_queries(lab: Lab, node: Node) -> None:
    capacity.measure(at=clock.now())
    client = client_of(lab)
    body = wanted(lab, node)
    with CaptureQueriesContext(connection) as queries:
        assert post(client, body).status_code == 201
    of_the_test = ("SAVEPOINT", "RELEASE SAVEPOINT")  # what a transaction is inside a test's own
    asked = [query["sql"] for query in queries if not query["sql"].startswith(of_the_test)]
    # The session is read from the cache in production, from the database here.
    asked = [sql for sql in asked if "django_session" not in sql]
    assert len(asked) <= 15, "\n".join(asked)


def test_the_list_takes_the_same_queries_however_long(lab: Lab, node: Node) -> None:
    client = client_of(lab)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(ADDRESS)
        return len(found)

    lab.book(list(node.devices.all()), in_days(3))
    first = queries()
    lab.book(list(node.devices.all()), in_days(4))
    assert queries() == first


def test_an_unlisted_device_does_not_exist(lab: Lab, node: Node) -> None:
    draft = factories.make_node(state="draft")
    answer = post(client_of(lab), wanted(lab, draft))
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_device")
