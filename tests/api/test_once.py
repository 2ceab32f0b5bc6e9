"""A write with an Idempotency-Key is done once, whatever becomes of its answer on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken, IdempotentAnswer, Project
from accounts.services import idempotency, tokens
from common import clock
from nodes.models import Node
from reservations.models import Decision, Reservation
from reservations.services import booking
from tests.races import at_once
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


def wanted(lab: Lab, node: Node, hours: float = 2) -> dict[str, Any]:
    start = in_days(2)
    return {
        "project": lab.project.slug, "devices": [str(node.devices.first().uid)],
        "start": start.isoformat(), "end": (start + timedelta(hours=hours)).isoformat(),
    }  # fmt: skip


def post(client: Client, body: dict[str, Any], key: str) -> Any:
    return client.post(ADDRESS, body, content_type="application/json", headers={"Idempotency-Key": key})


def test_the_second_time_it_is_told_the_first_answer(lab: Lab, node: Node) -> None:
    client, body = client_of(lab), wanted(lab, node)
    first, second = post(client, body, "a-1"), post(client, body, "a-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert Reservation.objects.count() == 1


def test_a_refusal_is_an_answer_too_and_its_decision_is_kept(lab: Lab, node: Node) -> None:
    client, body = client_of(lab), wanted(lab, node, hours=200)
    first, second = post(client, body, "a-1"), post(client, body, "a-1")
    assert (first.status_code, second.status_code) == (409, 409)
    assert second.json() == first.json()
    assert second.headers["Content-Type"] == "application/problem+json"
    assert first.json()["decision_uid"] == str(Decision.objects.get().uid)


def test_the_same_key_with_another_call_is_refused(lab: Lab, node: Node) -> None:
    client = client_of(lab)
    made = post(client, wanted(lab, node), "a-1")
    for refused in (
        post(client, wanted(lab, node, hours=3), "a-1"),
        client.delete(made.headers["Location"], headers={"Idempotency-Key": "a-1"}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert Reservation.objects.get().state == "booked"


def test_a_key_is_ones_own(lab: Lab, node: Node) -> None:
    post(client_of(lab), wanted(lab, node), "a-1")
    other = make_lab()
    assert "Idempotency-Replayed" not in post(client_of(other), wanted(other, node), "a-1").headers


@pytest.mark.parametrize(
    ("scopes", "is_limited", "status", "code"),
    [(["read"], False, 403, "scope_missing"), (["book"], True, 422, "idempotency_key_reused")],
)
def test_a_token_that_may_less_is_not_told_what_another_was_answered(
    lab: Lab, node: Node, scopes: list[str], is_limited: bool, status: int, code: str
) -> None:
    at, body = clock.now(), wanted(lab, node)

    def post_with(scopes: list[str], project: Project | None) -> Any:
        _token, secret = tokens.create(
            user=lab.member, name="ci", scopes=scopes, project=project, expires_at=at + timedelta(days=1),
            at=at,
        )  # fmt: skip
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "a-1"}
        return Client().post(ADDRESS, body, content_type="application/json", headers=headers)

    assert post_with(["book"], None).status_code == 201
    assert post_with(["book"], None).headers["Idempotency-Replayed"] == "true"
    refused = post_with(scopes, lab.project if is_limited else None)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_what_could_not_be_read_may_be_corrected_under_the_same_key(lab: Lab, node: Node) -> None:
    client, body = client_of(lab), wanted(lab, node)
    assert post(client, body | {"end": "soon"}, "a-1").status_code == 400
    assert post(client, body, "a-1").status_code == 201


def test_after_a_day_a_key_is_new(lab: Lab, node: Node) -> None:
    client = client_of(lab)
    post(client, wanted(lab, node), "a-1")
    IdempotentAnswer.objects.update(created_at=clock.now() - idempotency.KEPT)
    assert post(client, wanted(lab, node, hours=3), "a-1").status_code == 409
    IdempotentAnswer.objects.update(created_at=clock.now() - idempotency.KEPT)
    assert idempotency.forget(at=clock.now()) == 1
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ü"])
def test_a_key_that_is_none_is_refused(lab: Lab, node: Node, key: str) -> None:
    refused = post(client_of(lab), wanted(lab, node), key)
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")
    assert not Decision.objects.exists()


def test_a_secret_is_not_kept_with_the_answer(lab: Lab) -> None:
    client = client_of(lab)
    body = {
        "name": "laptop", "scopes": ["read"], "expires_at": (clock.now() + timedelta(days=1)).isoformat(),
    }  # fmt: skip

    def make() -> Any:
        return client.post(
            "/api/v1/me/tokens", body, content_type="application/json", headers={"Idempotency-Key": "a-1"}
        )

    first, second = make(), make()
    assert first.json()["token"].startswith("eqn_")
    assert second.json() == first.json() | {"token": None}
    assert ApiToken.objects.count() == 1
    assert first.json()["token"].encode() not in bytes(IdempotentAnswer.objects.get().body)


def test_a_fault_of_ours_undoes_the_write_and_frees_the_key(
    lab: Lab, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, body = client_of(lab), wanted(lab, node)
    client.raise_request_exception = False
    book = booking.book

    def break_after(**asked: Any) -> Any:
        book(**asked)
        raise RuntimeError("the wire is cut")

    monkeypatch.setattr(booking, "book", break_after)
    assert post(client, body, "a-1").status_code == 500
    assert not Reservation.objects.exists()
    monkeypatch.setattr(booking, "book", book)
    assert post(client, body, "a-1").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_one_writes_and_all_learn_of_one_slot() -> None:
    lab, node = make_lab(), make_open_node()
    body = wanted(lab, node)
    clients = [client_of(lab) for _ in range(8)]
    answers = at_once(*(lambda client=client: post(client, body, "a-1") for client in clients))
    assert Reservation.objects.count() == Decision.objects.count() == 1
    told = {answer.status_code for answer in answers}
    assert told <= {201, 409}
    assert 201 in told
    others = [answer.json()["code"] for answer in answers if answer.status_code == 409]
    assert set(others) <= {"idempotency_key_in_use"}
    assert len({answer.headers["Location"] for answer in answers if answer.status_code == 201}) == 1
    assert post(client_of(lab), body, "a-1").headers["Idempotency-Replayed"] == "true"
