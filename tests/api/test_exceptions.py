"""Exceptions to the policy by calls: everybody reads them, stewards grant and end them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from common import clock
from common.api.shapes import moment
from reservations.models import PolicyException
from tests import factories
from tests.api.test_writing import call
from tests.config.cast import make_secret
from tests.reservations.services.test_exceptions import end, grant
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward() -> User:
    return factories.give_second_factor(factories.make_user(is_steward=True))


@pytest.fixture
def lab() -> Lab:
    factories.make_policy()
    return make_lab(budget="100000")


def wanted(lab: Lab, **changes: object) -> dict[str, Any]:
    return {
        "project": lab.project.slug, "number": "longest_hours", "value": "336",
        "effective_until": moment(clock.now() + timedelta(days=30)), "reason": "It cannot be stopped.",
        **changes,
    }  # fmt: skip


def test_a_steward_grants_and_ends_one_and_everybody_reads_it(steward: User, lab: Lab) -> None:
    answer = call(steward, "POST", "exceptions", wanted(lab))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["value"], made["policy_value"], made["state"]) == ("336", "168", "in_force")
    assert answer.headers["Location"] == f"/api/v1/exceptions/{made['exception']}"
    assert Client().get(answer.headers["Location"]).json() == made
    assert Client().get("/api/v1/exceptions").json()["items"] == [made]
    ended = call(steward, "POST", f"exceptions/{made['exception']}/end", {"reason": "Over."})
    assert (ended.status_code, ended.json()["end_reason"], ended.json()["state"]) == (200, "Over.", "over")
    again = call(steward, "POST", f"exceptions/{made['exception']}/end", {"reason": "Over."})
    assert (again.status_code, again.json()["code"]) == (409, "exception_refused")


def test_others_cannot(lab: Lab) -> None:
    granted = grant(lab.project)
    for who, status in ((lab.join("lead"), 404), (lab.member, 404), (factories.make_user(), 404)):
        assert call(who, "POST", "exceptions", wanted(lab)).status_code == status
        assert call(who, "POST", f"exceptions/{granted.uid}/end", {"reason": "x"}).status_code == status
    anybody = Client().post("/api/v1/exceptions", wanted(lab), content_type="application/json")
    assert anybody.status_code == 401
    assert PolicyException.objects.count() == 1


def test_it_needs_the_scope_of_stewards(steward: User, lab: Lab) -> None:
    headers = {"Authorization": f"Bearer {make_secret(steward, 'read', 'projects')}"}
    answer = Client().post(
        "/api/v1/exceptions", wanted(lab), content_type="application/json", headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert Client().get("/api/v1/exceptions", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"value": "168"}, 409, "exception_refused"),
        ({"value": "1000"}, 409, "exception_refused"),
        ({"value": "1e9"}, 400, "invalid"),
        ({"value": "3/0"}, 400, "invalid"),
        ({"number": "half_life_hours"}, 400, "invalid"),
        ({"effective_from": "2020-01-01T00:00:00Z"}, 409, "exception_refused"),
        ({"reason": "two\nlines"}, 400, "invalid"),
        ({"reason": "Asked by ada@example.org"}, 400, "entry_refused"),
        ({"project": "nobody"}, 404, "not_found"),
        ({"colour": "red"}, 400, "invalid"),
    ],
)
def test_what_cannot_be_is_a_problem_with_its_code(
    steward: User, lab: Lab, changes: dict[str, object], status: int, code: str
) -> None:
    answer = call(steward, "POST", "exceptions", wanted(lab, **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not PolicyException.objects.exists()


def test_a_refusal_names_the_number_the_limit_and_what_was_asked(steward: User, lab: Lab) -> None:
    told = call(steward, "POST", "exceptions", wanted(lab, value="1000")).json()
    assert told["detail"].startswith("Longest slot: at most 28")
    assert (told["number"], told["limit"], told["actual"]) == ("longest_hours", "672", "1000")
    assert told["errors"][0]["pointer"] == "#/value"


def test_sent_twice_under_one_key_it_is_granted_once(steward: User, lab: Lab) -> None:
    headers = {
        "Authorization": f"Bearer {make_secret(steward, 'steward')}", "Idempotency-Key": "grant-1"
    }  # fmt: skip
    body = wanted(lab)
    first, second = (
        Client().post("/api/v1/exceptions", body, content_type="application/json", headers=headers)
        for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert PolicyException.objects.count() == 1


def test_the_list_goes_on_by_cursor_and_is_filtered_by_state(lab: Lab) -> None:
    now = grant(lab.project)
    then = grant(lab.project, "horizon_days", "60", effective_from=clock.now() + timedelta(days=2))
    over = end(grant(lab.project, "exempt_hours", "48"))
    seen, address = [], "/api/v1/exceptions?limit=1"
    while address:
        page = Client().get(address).json()
        seen += [one["exception"] for one in page["items"]]
        address = page["next"]
    assert seen == [str(one.uid) for one in (over, then, now)]
    for state, one in (("in_force", now), ("to_come", then), ("over", over)):
        items = Client().get(f"/api/v1/exceptions?state={state}").json()["items"]
        assert [item["exception"] for item in items] == [str(one.uid)]
    assert Client().get("/api/v1/exceptions?state=ended").status_code == 400


def test_the_project_and_a_preview_say_which_hold(lab: Lab) -> None:
    granted, device = grant(lab.project), make_open_node().devices.get(index=0)
    project = call(lab.member, "GET", f"projects/{lab.project.slug}").json()
    assert [(one["exception"], one["value"]) for one in project["exceptions"]] == [(str(granted.uid), "336")]
    asked = {
        "project": lab.project.slug, "devices": [str(device.uid)], "start": moment(in_days(2)),
        "end": moment(in_days(2) + timedelta(hours=200)),
    }  # fmt: skip
    answer = call(lab.member, "POST", "reservations/preview", asked).json()
    length = next(rule for rule in answer["rules"] if rule["code"] == "length")
    assert answer["is_granted"]
    assert [one["exception"] for one in length["exceptions"]] == [str(granted.uid)]
    assert "An exception holds for this project" in length["text"]
