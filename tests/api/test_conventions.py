"""What holds for every endpoint: refusals, members, pages, tags, limits, languages."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import get_resolver

from accounts.endpoints import PersonalApiView
from accounts.models import User
from common.access import ANYONE
from common.api import limits
from common.api.view import ApiView
from config.api import NothingApi
from nodes.models import Node
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

ME = "/api/v1/me"
RESERVATIONS = "/api/v1/reservations"


@pytest.fixture
def lab(db: None) -> Lab:
    return make_lab()


@pytest.fixture
def node(db: None) -> Node:
    return make_open_node()


@pytest.fixture
def client(lab: Lab) -> Client:
    client = Client()
    client.force_login(lab.member)
    return client


def views() -> list[type[ApiView]]:
    found = [pattern.callback for pattern in _patterns(get_resolver().url_patterns)]
    classes = [getattr(callback, "cls", None) for callback in found]
    return [cls for cls in classes if cls is not None and issubclass(cls, ApiView)]


def _patterns(patterns: Any) -> Any:
    for pattern in patterns:
        yield from _patterns(pattern.url_patterns) if hasattr(pattern, "url_patterns") else [pattern]


@pytest.mark.parametrize("view", sorted(set(views()) - {NothingApi}, key=str), ids=lambda view: view.__name__)
def test_whoever_writes_can_say_that_it_is_the_same_write(view: type[ApiView]) -> None:
    writes = [method for method in view.access if method != "GET"]
    assert not writes or issubclass(view, PersonalApiView)
    assert all(view.access[method] is not ANYONE for method in writes)


def test_an_endpoint_without_a_rule_is_not_made() -> None:
    with pytest.raises(TypeError, match="say access and scopes"):

        class Open(ApiView):
            def get(self, request: Any) -> None:
                """Nobody was asked who may."""


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"nickname": "x"}, "#/nickname"),
        ({"name": "x" * 151}, "#/name"),
        ({"time_zone": "Mars/Olympus"}, "#/time_zone"),
        ({"a/b~c": 1}, "#/a~1b~0c"),
        ([], "#"),
    ],
)
def test_a_member_that_is_wrong_is_named_with_a_pointer(client: Client, body: Any, named: str) -> None:
    answer = client.patch(ME, body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == named
    assert set(fault) == {"pointer", "detail", "code"}
    assert fault["detail"] in answer.json()["detail"]


def test_an_unknown_member_below_another_is_named_too(client: Client, lab: Lab) -> None:
    body = {
        "project": lab.project.slug, "devices": [], "start": "now", "end": "2026-01-01T00:00:00Z",
        "job": {"script": "true", "shell": "zsh"}, "now": True,
    }  # fmt: skip
    answer = client.post(RESERVATIONS, body, content_type="application/json")
    pointers = {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}
    assert pointers["#/job/shell"] == pointers["#/now"] == "unknown_member"
    assert pointers["#/devices"] == "empty"


def test_an_unknown_parameter_is_named(client: Client) -> None:
    answer = client.get(f"{RESERVATIONS}?stat=booked&limit=0")
    assert (answer.status_code, answer.json()["code"]) == (400, "parameters_invalid")
    assert {fault["parameter"] for fault in answer.json()["errors"]} == {"stat", "limit"}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("[" * 100_000, "application/json", 400, "parse_error"),
        ('{"a":' * 100_000, "application/json", 400, "parse_error"),
        (b"\xff", "application/json", 400, "parse_error"),
        ("", "application/json", 400, "parse_error"),
        ('{"name": NaN}', "application/json", 400, "parse_error"),
        ('{"name": "\\ud800"}', "application/json", 400, "parse_error"),
        ('{"name": "\\u0000"}', "application/json", 400, "invalid"),
        ('{"name": ' + "9" * 5_000 + "}", "application/json", 400, "parse_error"),
        ('"' + "x" * 10_000_000 + '"', "application/json", 413, "body_too_large"),
        ("name=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ("{}", "text/plain", 415, "unsupported_media_type"),
        ("{}", "x" * 5_000, 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    client: Client, body: str | bytes, content_type: str, status: int, code: str
) -> None:
    answer = client.patch(ME, body, content_type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_method_that_is_not_known_is_told_which_are(client: Client) -> None:
    answer = client.put(ME, {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "PATCH"}
    assert answer.json()["detail"] == "PUT is not answered at this address, only GET, PATCH."


def test_a_body_of_another_kind_is_told_which_is_taken(client: Client) -> None:
    answer = client.patch(ME, "name=x", content_type="text/plain")
    said = "The body is of the type “text/plain”. This call takes application/json."
    assert (answer.status_code, answer.json()["detail"]) == (415, said)


def test_a_session_that_writes_without_the_pages_proof_is_refused(lab: Lab) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(lab.member)
    answer = client.patch(ME, {"name": "Eve"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    lab.member.refresh_from_db()
    assert lab.member.name != "Eve"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("fr", "fr"), ("fr-CH, en;q=0.5", "fr"), ("de, *;q=0.1", "en"), ("", "en"), ("en", "en")],
)
def test_a_refusal_is_in_the_language_that_was_asked_for(accepted: str, language: str) -> None:
    answer = Client().get(ME, headers={"Accept-Language": accepted})
    assert answer.headers["Content-Language"] == language
    assert answer.json()["detail"] == {"en": "Sign in first.", "fr": "Connectez-vous d’abord."}[language]


def test_without_a_wish_the_person_is_answered_in_their_own(lab: Lab, client: Client) -> None:
    User.objects.filter(pk=lab.member.pk).update(language="fr")
    assert client.get(ME).headers["Content-Language"] == "fr"


# --- pages ----------------------------------------------------------------------------
def test_a_page_goes_on_where_the_one_before_ended_whatever_was_booked_meanwhile(
    lab: Lab, node: Node, client: Client
) -> None:
    device = node.devices.first()
    uids = [str(lab.book([device], in_days(3 + number)).uid) for number in range(3)]
    first = client.get(f"{RESERVATIONS}?limit=2&state=booked")
    assert first.headers["Link"] == f'<{first.json()["next"]}>; rel="next"'
    lab.book([device], in_days(9))
    second = client.get(first.json()["next"]).json()
    assert [one["uid"] for one in [*first.json()["items"], *second["items"]]] == uids[::-1]
    assert second["next"] is None


def test_a_cursor_is_of_one_list_with_its_filters(lab: Lab, node: Node, client: Client) -> None:
    for number in range(2):
        lab.book([node.devices.first()], in_days(3 + number))
    following = client.get(f"{RESERVATIONS}?limit=1").json()["next"]
    for address in (f"{following}&state=booked", f"{RESERVATIONS}?cursor=eyJhIjoxfQ"):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


# --- conditions -----------------------------------------------------------------------
def test_who_has_the_representation_is_not_sent_it_again(client: Client) -> None:
    first = client.get(ME)
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    again = client.get(ME, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    client.patch(ME, {"name": "Ada L."}, content_type="application/json")
    assert client.get(ME, headers={"If-None-Match": tag}).status_code == 200


def test_a_write_over_somebody_elses_is_refused(client: Client) -> None:
    tag = client.get(ME).headers["ETag"]

    def rename(name: str) -> Any:
        return client.patch(ME, {"name": name}, content_type="application/json", headers={"If-Match": tag})

    assert rename("First").status_code == 200
    refused = rename("Second")
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert client.get(ME).json()["name"] == "First"
    assert refused.json()["etag"] == client.get(ME).headers["ETag"]


# --- limits ---------------------------------------------------------------------------
@pytest.fixture
def _within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window ends while a test counts its calls."""
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: 1_795_000_000.0))


@pytest.mark.usefixtures("_within_a_minute")
def test_who_calls_too_often_is_told_until_when(client: Client, settings: LazySettings) -> None:
    settings.API_CALLS_PER_PERSON = 2
    answers = [client.get(ME) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"person";q=2;w=60'
    assert answers[1].headers["RateLimit"].startswith('"person";r=0;t=')
    problem = answers[2].json()
    assert problem["code"] == "too_many_calls"
    assert answers[2].headers["Retry-After"] == str(problem["retry_after"])
    assert 0 < problem["retry_after"] <= 60


@pytest.mark.usefixtures("_within_a_minute")
def test_an_address_without_a_sign_in_is_counted_for_itself(client: Client, settings: LazySettings) -> None:
    settings.API_CALLS_PER_ADDRESS = 1
    settings.BEHIND_PROXY = True
    guess = {"Authorization": "Bearer eqn_" + "x" * 43, "X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert Client().get(ME, headers=guess).status_code == 401
    assert Client().get(ME, headers=guess).status_code == 429
    assert Client().get("/api/v1/nodes", headers={"X-Forwarded-For": "198.51.100.7"}).status_code == 429
    assert Client().get("/api/v1/nodes", headers={"X-Forwarded-For": "198.51.100.8"}).status_code == 200
    assert client.get(ME).status_code == 200


def test_what_was_asked_for_is_never_run_by_a_browser(client: Client) -> None:
    client.patch(ME, json.dumps({"name": "<script>alert(1)</script>"}), content_type="application/json")
    answer = client.get(ME)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
