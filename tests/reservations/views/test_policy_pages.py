from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.core.exceptions import ValidationError as Unfit
from django.test import Client
from jsonschema import Draft202012Validator

from accounts.models import User
from common import clock
from reservations.domain.calendar import PEAK, Band
from reservations.domain.linter import lint
from reservations.domain.policy import Policy as Rules, standard
from reservations.forms.policies import PartField, PeakField, PolicyForm
from reservations.models import Policy, PolicyDraft
from reservations.selectors.datasets import POLICIES
from reservations.selectors.policy_schema import policy_schema
from reservations.services.policy import call_off_policy, publish_policy
from reservations.services.policy_drafts import start_draft
from tests import factories
from tests.reservations.domain.test_policy import DEGENERATE, classed

pytestmark = pytest.mark.django_db

OTHER = replace(
    standard(), horizon_days=42, half_life_hours=168, classes=classed("student", longest_hours=240)
)


def steward() -> User:
    return factories.give_second_factor(factories.make_user(is_steward=True))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def published() -> Policy:
    return publish_policy(rules=standard(), reason="To begin with.", at=clock.now() - timedelta(days=9))


def posted(draft: PolicyDraft, **changes: str) -> dict[str, Any]:
    """The draft's form as a browser sends it, some fields otherwise."""
    written = PolicyForm.of(Rules.from_json(draft.rules), draft.revision) | changes
    return {name: value for name, value in written.items() if value is not False}


# --- what is written ---------------------------------------------------------------------------------
@pytest.mark.parametrize("rules", [Rules(), standard(), OTHER])
def test_the_form_gives_back_the_policy_that_it_was_filled_with(rules: Rules) -> None:
    form = PolicyForm({k: v for k, v in PolicyForm.of(rules, 1).items() if v is not False})
    assert form.is_valid(), form.errors
    assert form.policy() == rules


@pytest.mark.parametrize(
    ("text", "value"),
    [("20 %", Fraction(1, 5)), ("12,5 %", Fraction(1, 8)), ("1/3", Fraction(1, 3)), ("0.2", Fraction(1, 5))],
)
def test_a_part_is_read_exactly(text: str, value: Fraction) -> None:
    assert PartField().clean(text) == value


@pytest.mark.parametrize("text", ["8-20h", "20:00-08:00", "08:00-24:01", "08:60-09:00", "all day", "8 to 20"])
def test_what_is_no_part_of_a_day_is_refused_with_what_would_work(text: str) -> None:
    with (
        pytest.raises(Unfit, match="is no part of a day")
        if text != "8-20h"
        else pytest.raises(AssertionError)
    ):
        PeakField(weekday=0).clean(text)
        assert text != "8-20h"


def test_hours_are_read_as_people_write_them() -> None:
    peaks = [band for band in PeakField(weekday=2).clean("8h30-12, 14:00–18h") if band.kind == PEAK]
    assert peaks == [Band(2, 510, 720, PEAK), Band(2, 840, 1080, PEAK)]


def test_every_fault_stands_at_a_field_of_its_own() -> None:
    for numbers, code, _field in DEGENERATE:
        rules = replace(standard(), **numbers)
        form = PolicyForm(PolicyForm.of(rules, 1))
        form.tell(found := lint(rules))
        assert form.errors, code
        if code not in ("class_missing", "unknown_class", "floor_for_nobody"):
            assert set(form.errors) - {"__all__"}, (code, found)


# --- the editor --------------------------------------------------------------------------------------
def test_a_draft_is_begun_changed_looked_at_and_published() -> None:
    published()
    user = steward()
    client = signed_in(user)
    begun = client.post("/steward/policy/")
    draft = PolicyDraft.objects.get()
    assert begun.url == draft.get_absolute_url()
    edit = client.get(begun.url).content.decode()
    assert "Version 1: 28 days" in edit
    assert 'value="08:00–20:00"' in edit
    kept = client.post(begun.url, posted(draft, horizon_days="42", peak_4="08:00-18:00"))
    assert kept.url == f"{begun.url}review/"
    review = client.get(kept.url).content.decode()
    assert "28 days" in review
    assert "<strong>42 days</strong>" in review
    assert "Peak hours, Friday" in review
    assert "Slots can be booked further ahead" in review
    assert "Longest slot" not in review  # only what differs
    assert f"/steward/replay/?draft={draft.uid}" in review
    day = (clock.now() + timedelta(days=3)).strftime("%Y-%m-%d")
    done = client.post(
        kept.url, {"reason": "Terms are planned ahead.", "effective_from": day, "follows": 1, "revision": 2}
    )
    assert done.url == "/policy/2/"
    second = Policy.objects.get(version=2)
    assert (second.published_by, Rules.from_json(second.rules).horizon_days) == (user, 42)
    assert second.begins.strftime("%Y-%m-%d %H:%M") == f"{day} 00:00"
    assert not PolicyDraft.objects.exists()


def test_faults_stand_at_their_fields_and_nothing_typed_is_lost() -> None:
    published()
    client, draft = signed_in(user := steward()), start_draft(by=steward(), at=clock.now())
    assert user.is_steward
    answer = client.post(
        draft.get_absolute_url(),
        posted(
            draft,
            half_life_hours="0",
            floor_share="110 %",
            peak_0="08:00-12:00, 11:00-14:00",
            exempt_hours="30",
        ),
    )
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "A half-life of 0 hours forgets nearly everything at once" in page
    assert "A floor of 110\u00a0% is more than there is." in page
    assert "Monday 11:00–12:00 is in two bands" in page
    assert 'value="110 %"' in page
    assert 'value="30"' in page
    draft.refresh_from_db()
    assert (draft.rules["exempt_hours"], draft.revision) == (30, 2)  # kept, faults and all
    review = client.get(f"{draft.get_absolute_url()}review/").content.decode()
    assert "It cannot be published like this" in review


def test_what_cannot_be_read_is_told_with_all_else_and_that_nothing_is_kept() -> None:
    published()
    client, draft = signed_in(steward()), start_draft(by=steward(), at=clock.now())
    unread = client.post(
        draft.get_absolute_url(),
        posted(draft, exempt_hours="a day", model_share="half", peak_0="08:00-12:00, 11:00-14:00"),
    )
    page = unread.content.decode()
    assert unread.status_code == 400
    assert 'value="a day"' in page
    assert 'value="half"' in page
    assert "Nothing of this is kept yet" in page
    assert "Monday 11:00–12:00 is in two bands" in page  # all at once, whatever else cannot be read
    assert '<a href="#id_exempt_hours">' in page
    assert '<a href="#id_peak_0">' in page
    draft.refresh_from_db()
    assert (draft.rules["exempt_hours"], draft.revision) == (24, 1)


def test_who_has_not_seen_the_last_change_loses_nothing_and_overwrites_nothing() -> None:
    published()
    draft = start_draft(by=steward(), at=clock.now())
    mine, theirs = signed_in(steward()), signed_in(steward())
    assert theirs.post(draft.get_absolute_url(), posted(draft, horizon_days="30")).status_code == 302
    late = mine.post(draft.get_absolute_url(), posted(draft, horizon_days="50"))
    assert late.status_code == 409
    assert "changed this draft meanwhile" in late.content.decode()
    assert 'value="50"' in late.content.decode()
    draft.refresh_from_db()
    assert draft.rules["horizon_days"] == 30


@pytest.mark.parametrize("day", ["2020-01-01", "2199-01-01"])
def test_a_day_that_cannot_be_is_refused_at_its_field(day: str) -> None:
    published()
    draft = start_draft(by=steward(), at=clock.now(), rules=OTHER)
    answer = signed_in(steward()).post(
        f"{draft.get_absolute_url()}review/", {"reason": "Because.", "effective_from": day, "revision": 1}
    )
    assert answer.status_code == 400
    assert "field__error" in answer.content.decode()
    assert "Because." in answer.content.decode()
    assert Policy.objects.count() == 1


def test_an_announced_policy_is_called_off_on_its_page() -> None:
    published()
    at = clock.now()
    publish_policy(rules=OTHER, reason="Soon.", at=at, effective_from=at + timedelta(days=5))
    client = signed_in(steward())
    page = client.get("/steward/policy/2/call-off/").content.decode()
    assert "28 days" in page
    assert client.post("/steward/policy/2/call-off/", {"reason": ""}).status_code == 400
    assert client.post("/steward/policy/2/call-off/", {"reason": "Not yet."}).status_code == 302
    assert Policy.objects.get(version=2).called_off_reason == "Not yet."
    again = client.post("/steward/policy/2/call-off/", {"reason": "Not yet."})
    assert again.status_code == 400
    assert "called off already" in again.content.decode()


def test_what_is_announced_is_told_before_anybody_publishes_and_called_off_for_ever() -> None:
    published()
    at, user = clock.now(), steward()
    second = publish_policy(rules=OTHER, reason="Soon.", at=at, effective_from=at + timedelta(days=5))
    client, draft = signed_in(user), start_draft(by=user, at=at)
    address = f"{draft.get_absolute_url()}review/"
    page = client.get(address).content.decode()
    assert "Version 2 is announced for" in page
    assert 'href="/steward/policy/2/call-off/"' in page
    call_off_policy(policy=second, reason="Not yet.", by=user, at=clock.now())
    page = client.get(address).content.decode()
    assert "is announced for" not in page
    assert "This draft was begun from version 2, which was called off since" in page
    assert "came after this draft was begun" not in page
    third = publish_policy(rules=OTHER, reason="Now.", at=clock.now())
    assert f"Version {third.version} came after this draft was begun" in client.get(address).content.decode()


def test_strangers_sign_in_members_are_refused_and_stewards_write() -> None:
    published()
    at = clock.now()
    publish_policy(rules=OTHER, reason="Soon.", at=at, effective_from=at + timedelta(days=5))
    draft = start_draft(by=steward(), at=at)
    pages = [
        "/steward/policy/", draft.get_absolute_url(), f"{draft.get_absolute_url()}review/",
        "/steward/policy/2/call-off/",
    ]  # fmt: skip
    stranger, member, right = Client(), signed_in(factories.make_user()), signed_in(steward())
    for page in pages:
        assert stranger.get(page).url.startswith("/accounts/login/")
        assert member.get(page).status_code == 404
        assert member.post(page, {"reason": "x"}).status_code == 404
        assert right.get(page).status_code == 200
    assert member.post(f"{draft.get_absolute_url()}discard/").status_code == 404
    without = signed_in(factories.make_user(is_steward=True))  # no second factor: reads, and does not act
    assert without.get("/steward/policy/").status_code == 200
    assert without.post(f"{draft.get_absolute_url()}discard/").status_code == 403
    assert PolicyDraft.objects.exists()
    assert right.post(f"{draft.get_absolute_url()}discard/").status_code == 302
    assert not PolicyDraft.objects.exists()


# --- what everybody reads ----------------------------------------------------------------------------
def test_the_page_says_every_rule_draws_the_week_and_tells_what_comes(
    django_assert_max_num_queries: Any,
) -> None:
    published()
    at = clock.now()
    publish_policy(rules=OTHER, reason="Soon.", at=at, effective_from=at + timedelta(days=5))
    with django_assert_max_num_queries(6):
        page = Client().get("/policy/").content.decode()
    for said in (
        "Public-interest floor", "20\u00a0% are kept", "at most 80\u00a0%", "Peak hours", "60 h are peak",
        "No-shows", "for 50\u00a0% of a shorter slot", "After 3 no-shows of one person within 30 days",
        "Commerce", "of public interest", "Version 2 takes effect on", "It changes 3 things:",
        "Student: Longest slot",
    ):  # fmt: skip
        assert said in page, said
    assert page.count('class="bar__fill"') == 5
    second = Client().get("/policy/2/").content.decode()
    assert "announced, takes effect on" in second
    assert "What is otherwise than in version 1" in second
    assert Client().get("/policy/3/").status_code == 404


def test_a_policy_that_says_nothing_of_a_rule_shows_none() -> None:
    factories.make_policy()
    page = Client().get("/policy/").content.decode()
    for unsaid in ("floor", "no-shows", "Peak hours", "Project classes"):
        assert unsaid not in page.partition("<main")[2].partition("</main")[0], unsaid


def test_one_that_was_called_off_stays_in_the_history() -> None:
    published()
    at = clock.now()
    second = publish_policy(rules=OTHER, reason="Soon.", at=at, effective_from=at + timedelta(days=5))
    call_off_policy(policy=second, reason="Nobody wants it.", by=steward(), at=at + timedelta(minutes=1))
    assert "It was never in force." in Client().get("/policy/2/").content.decode()
    page = Client().get("/policy/").content.decode()
    assert "called off" in page
    assert "takes effect on" not in page
    twin = Client().get("/policy/2.json").json()
    assert (twin["state"], twin["called_off_reason"]) == ("called_off", "Nobody wants it.")
    assert [*POLICIES.rows().values_list("version", flat=True)] == [1]  # it has no time of its own


def test_it_can_be_read_as_of_a_moment() -> None:
    published()
    at = clock.now()
    publish_policy(rules=OTHER, reason="Soon.", at=at, effective_from=at + timedelta(days=5))
    then = (at + timedelta(days=6)).strftime("%Y-%m-%d")
    assert Client().get("/policy.json", {"as_of": then}).json()["policy"] == 2
    assert Client().get("/policy.json").json()["policy"] == 1
    assert Client().get("/policy.json", {"as_of": "2020-01-01"}).status_code == 404
    assert "No policy was in force on" in Client().get("/policy/", {"as_of": "2020-01-01"}).content.decode()
    for odd in ("yesterday", "9999-99-99", "\x00", "2026-11-23T99"):
        assert Client().get("/policy/", {"as_of": odd}).status_code == 200


@pytest.mark.parametrize("rules", [Rules(), standard(), OTHER])
def test_the_twin_keeps_to_its_published_schema(rules: Rules) -> None:
    row = publish_policy(rules=rules, reason="To begin with.", at=clock.now())
    schema = Client().get("/policy.schema.json").json()
    assert schema | {"$id": ""} == policy_schema("")
    Draft202012Validator.check_schema(schema)
    twin = Client().get("/policy.json").json()
    Draft202012Validator(schema).validate(twin)
    assert Rules.from_json(twin["rules"]) == rules
    assert twin["digest"] == row.digest == rules.digest
    assert not Draft202012Validator(schema).is_valid(twin | {"rules": twin["rules"] | {"colour": "red"}})


# --- programs ----------------------------------------------------------------------------------------
def send(client: Client, method: str, address: str, body: dict[str, Any] | None = None) -> Any:
    return getattr(client, method)(f"/api/v1/{address}", body, content_type="application/json")


def test_a_program_drafts_changes_and_publishes() -> None:
    published()
    client = signed_in(steward())
    degenerate = replace(standard(), half_life_hours=0).to_json()
    drafted = send(client, "post", "policy-drafts", {"rules": degenerate})
    assert drafted.status_code == 201, drafted.content
    assert [fault["field"] for fault in drafted.json()["faults"]] == ["half_life_hours"]
    address = f"policy-drafts/{drafted.json()['draft']}"
    refused = send(client, "post", f"{address}/publish", {"reason": "So."})
    assert refused.status_code == 400
    assert [*refused.json()["faults"]] == ["half_life_hours"]
    changed = send(client, "put", address, {"rules": OTHER.to_json(), "revision": 1}).json()
    assert (changed["revision"], changed["faults"]) == (2, [])
    assert "Horizon" in [one["name"] for one in changed["differences"]]
    done = send(client, "post", f"{address}/publish", {"reason": "So."})
    assert (done.status_code, done.json()["state"]) == (201, "in_force")
    assert send(client, "get", address).status_code == 404
    other = send(client, "post", "policy-drafts", {"rules": standard().to_json()}).json()["draft"]
    assert send(client, "delete", f"policy-drafts/{other}").status_code == 204


def test_a_program_announces_and_calls_off() -> None:
    published()
    client = signed_in(steward())
    wanted = {"rules": OTHER.to_json(), "reason": "Soon.", "follows": 1}
    begins = (clock.now() + timedelta(days=2)).isoformat()
    announced = send(client, "post", "policies", {**wanted, "effective_from": begins})
    assert (announced.status_code, announced.json()["state"]) == (201, "to_come")
    past = send(client, "post", "policies", {**wanted, "effective_from": "2020-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["errors"][0]["pointer"]) == (400, "#/effective_from")
    off = send(client, "post", "policies/2/call-off", {"reason": "No."})
    assert (off.status_code, off.json()["state"]) == (200, "called_off")
    third = send(client, "post", "policies", wanted)
    assert (third.status_code, third.json()["policy"]) == (201, 3)
    assert [one["policy"] for one in send(client, "get", "policies").json()["items"]] == [3, 2, 1]
    assert send(client, "get", "policies/1").json()["rules"] == standard().to_json()


@pytest.mark.parametrize(
    "rules",
    [
        None, [], 7, {}, {"colour": "red"}, {**Rules().to_json(), "horizon_days": True},
        {**Rules().to_json(), "horizon_days": 10**9}, {**Rules().to_json(), "model_share": "1/0"},
        {**Rules().to_json(), "model_share": "1e999999999"}, {**Rules().to_json(), "peak": [[[]]]},
        {**Rules().to_json(), "classes": [7]}, {**Rules().to_json(), "peak": {"bands": 3}},
        {**Rules().to_json(), "classes": [["x"] * 2000]},
    ],
)  # fmt: skip
def test_what_is_no_policy_is_no_draft(rules: Any) -> None:
    client = signed_in(steward())
    answer = client.post("/api/v1/policy-drafts", {"rules": rules}, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert not PolicyDraft.objects.exists()
