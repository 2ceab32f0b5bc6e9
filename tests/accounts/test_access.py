"""The house rules before who acts: pages lead there and back, the API says so."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts.access import SIGNED_IN, agreed
from accounts.models import User
from common.access import guard
from tests import factories

pytestmark = pytest.mark.django_db


@guard({"GET": SIGNED_IN, "POST": agreed(SIGNED_IN)})
def act(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@pytest.fixture
def newcomer() -> User:
    return factories.make_user("eve", accepts_rules=False)


def asked(user: User, method: str = "post", **headers: Any) -> HttpResponse:
    request = getattr(RequestFactory(headers=headers), method)("/act/?page=2")
    request.user = user
    answer = act(request)
    assert isinstance(answer, HttpResponse)
    return answer


def test_who_accepted_the_rules_acts(ada: User) -> None:
    assert asked(ada).content == b"done"


def test_reading_needs_no_acceptance(newcomer: User) -> None:
    assert asked(newcomer, "get").content == b"done"


@pytest.mark.parametrize(
    ("came_from", "back_to"),
    [
        ("http://testserver/book/?week=2026-W49", "/book/%3Fweek%3D2026-W49"),
        ("https://elsewhere.example/trap/", "/"),
        ("", "/"),
    ],
)
def test_who_has_not_is_led_to_them_and_back_to_the_page_of_before(
    newcomer: User, came_from: str, back_to: str
) -> None:
    answer = asked(newcomer, Referer=came_from)
    assert answer.status_code == 302
    assert answer["Location"] == f"/welcome/?next={back_to}"


@pytest.mark.parametrize("address", ["/api/v1/reservations", "/api/v1/me/tokens"])
def test_a_program_is_told_what_its_person_has_to_do(client: Client, newcomer: User, address: str) -> None:
    client.force_login(newcomer)
    answer = client.post(address, {}, content_type="application/json")
    assert answer.status_code == 403
    assert answer.json()["code"] == "rules_not_accepted"
    assert answer.json()["url"] == "/welcome/"
    assert "version 1 is in force" in answer.json()["detail"]


def test_the_rule_says_that_it_asks_for_them() -> None:
    rule = agreed(SIGNED_IN)
    assert rule.said == "Who is signed in, with the house rules accepted"
    assert rule.verdicts == SIGNED_IN.verdicts
