"""What a node costs, by programs: as everybody, with what the pages refuse refused, and nothing lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import OrganisationMembership, User
from common import clock
from nodes.models import Node
from pricing.domain.declared import to_json
from pricing.models import CostStatement, StatementDraft, Tariff
from pricing.selectors import rates
from tests import evidence_files as files, factories
from tests.api.test_writing import call

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BASE = "nodes/gemini/statements"


@pytest.fixture
def lead() -> User:
    return factories.make_user("omar")


@pytest.fixture
def node(lead: User) -> Node:
    owner = factories.make_organisation(lead=lead, slug="lyon", name="Lyon")
    return factories.make_node(devices=8, owner=owner, slug="gemini", name="Gemini")


def declared(**changes: Any) -> dict[str, Any]:
    return to_json(factories.make_declared()) | changes


def test_only_leads_of_the_owner_may(node: Node, lead: User) -> None:
    factories.publish_prices(node, by=lead)
    member, rival = factories.make_user("mina"), factories.make_user("rival")
    OrganisationMembership.objects.create(organisation=node.owner, user=member)
    factories.make_organisation(lead=rival)
    body = {"declared": declared()}
    calls = [
        ("PUT", f"{BASE}/draft", body), ("GET", f"{BASE}/draft", None), ("DELETE", f"{BASE}/draft", None),
        ("POST", f"{BASE}/preview", body), ("POST", f"{BASE}/draft/publish", {}),
        ("POST", f"{BASE}/1/correct", {"reason": "R"}), ("POST", f"{BASE}/1/withdraw", {"reason": "R"}),
        ("POST", "nodes/gemini/tariffs", {}),
    ]  # fmt: skip
    steward = factories.make_user(is_steward=True)
    for method, path, sent in calls:
        assert call(None, method, path, sent).status_code == 401, path
        for outsider in (rival, steward):
            assert call(outsider, method, path, sent).status_code == 404, path
        assert call(member, method, path, sent).status_code == 403, path
    assert not StatementDraft.objects.exists()
    assert CostStatement.objects.get().effective_until is None


def test_a_draft_is_written_read_and_published(node: Node, lead: User) -> None:
    assert call(lead, "GET", f"{BASE}/draft").status_code == 404
    wrong = call(lead, "PUT", f"{BASE}/draft", {"declared": declared(pue="much")})
    assert wrong.status_code == 200
    assert wrong.json()["declared"]["pue"] == "much"
    refused = call(lead, "POST", f"{BASE}/draft/publish", {})
    assert (refused.status_code, refused.json()["code"]) == (400, "statement_refused")
    assert list(refused.json()["faults"]) == ["pue"]
    tag = call(lead, "GET", f"{BASE}/draft").headers["ETag"]
    right = call(lead, "PUT", f"{BASE}/draft", {"declared": declared()}, **{"If-Match": tag})
    late = call(lead, "PUT", f"{BASE}/draft", {"declared": {}}, **{"If-Match": tag})
    assert (right.status_code, late.status_code) == (200, 412)
    done = call(lead, "POST", f"{BASE}/draft/publish", {"version": right.json()["version"]})
    assert done.status_code == 201
    assert done.json()["costs"]["full_delivered"] == "2.201228"
    assert call(lead, "GET", f"{BASE}/draft").status_code == 404
    assert call(lead, "POST", f"{BASE}/draft/publish", {}).json()["code"] == "draft_gone"


def test_what_was_read_before_somebody_changed_it_is_not_published(node: Node, lead: User) -> None:
    version = call(lead, "PUT", f"{BASE}/draft", {"declared": declared()}).json()["version"]
    call(lead, "PUT", f"{BASE}/draft", {"declared": declared(pue="1.9")})
    late = call(lead, "POST", f"{BASE}/draft/publish", {"version": version})
    assert (late.status_code, late.json()["code"]) == (409, "draft_changed")


def test_a_preview_says_what_it_comes_to_and_keeps_nothing(node: Node, lead: User) -> None:
    said = call(lead, "POST", f"{BASE}/preview", {"declared": declared(pue="1.00")}).json()
    assert said["is_publishable"] is True
    assert [one["field"] for one in said["warnings"]] == ["pue", "related_parties"]
    assert "e-FISCAL" in said["warnings"][0]["cited"]
    partly = call(lead, "POST", f"{BASE}/preview", {"declared": {"version": "2"}}).json()
    assert partly["is_publishable"] is False
    assert "assets" in [one["field"] for one in partly["faults"]]
    assert not StatementDraft.objects.exists()


@pytest.mark.parametrize("depth", [13, 300])
def test_what_is_nested_without_end_is_refused(node: Node, lead: User, depth: int) -> None:
    deep: Any = "x"
    for _level in range(depth):
        deep = {"a": deep}
    for path in (f"{BASE}/preview", f"{BASE}/draft"):
        answer = call(lead, "POST" if path.endswith("preview") else "PUT", path, {"declared": deep})
        assert answer.status_code == 400, path


@pytest.mark.parametrize(("method", "path"), [("POST", f"{BASE}/preview"), ("PUT", f"{BASE}/draft")])
def test_what_is_longer_than_any_declaration_is_refused(
    node: Node, lead: User, method: str, path: str
) -> None:
    answer = call(lead, method, path, {"declared": declared(assets=[0] * 100_000)})
    assert answer.status_code == 400
    assert "at most 200,000 characters" in answer.json()["detail"]


def test_figures_at_all_their_limits_are_told_and_not_published(node: Node, lead: User) -> None:
    most = str(10**9)
    extreme = declared(
        active_kilowatts=most, idle_kilowatts=most, pue="10", contract_price="100", grid_fee="100",
        energy_adder="100", electricity_tax="100", indirect_costs=most, direct_costs="1",
        used_share="0.001", planned_outage_hours="8759",
    )  # fmt: skip
    for body in (extreme, extreme | {"planned_outage_hours": "0"}, extreme | {"direct_costs": "0.01e-40"}):
        said = call(lead, "POST", f"{BASE}/preview", {"declared": body})
        assert said.status_code == 200
        assert said.json()["is_publishable"] is False
    call(lead, "PUT", f"{BASE}/draft", {"declared": extreme})
    client = Client()
    client.force_login(lead)
    for step in ("power", "review"):
        assert client.get(f"/{BASE}/draft/{step}/").status_code == 200


def test_files_stand_behind_a_draft(node: Node, lead: User) -> None:
    file = factories.make_evidence(node.owner, lead, files.pdf(), title="Invoice")
    body = {"declared": declared(), "evidence": [{"part": "purchase", "evidence": str(file.uid)}]}
    draft = call(lead, "PUT", f"{BASE}/draft", body).json()
    assert draft["evidence"] == [{"part": "purchase", "evidence": str(file.uid), "title": "Invoice"}]
    kept = call(lead, "PUT", f"{BASE}/draft", {"declared": declared()}).json()
    assert kept["evidence"] == draft["evidence"]
    other = factories.make_evidence(factories.make_organisation(lead=lead), lead, files.pdf())
    body["evidence"] = [{"part": "purchase", "evidence": str(other.uid)}]
    assert call(lead, "PUT", f"{BASE}/draft", body).status_code == 404


def test_a_statement_is_corrected_and_withdrawn(node: Node, lead: User) -> None:
    factories.publish_prices(node, by=lead)
    begun = call(lead, "POST", f"{BASE}/1/correct", {"reason": "Staff was counted twice"})
    assert (begun.status_code, begun.json()["corrects"]) == (201, 1)
    again = call(lead, "POST", f"{BASE}/1/correct", {"reason": "Staff was counted twice"})
    assert again.status_code == 201  # the same draft
    second = call(lead, "POST", f"{BASE}/draft/publish", {}).json()
    assert (second["number"], second["corrects"], second["reason"]) == (2, 1, "Staff was counted twice")
    ended = call(lead, "POST", f"{BASE}/2/withdraw", {"reason": "Sold"})
    assert ended.json()["withdrawn"]["reason"] == "Sold"
    assert call(lead, "POST", f"{BASE}/2/withdraw", {"reason": "Sold"}).json()["code"] == "withdrawal_refused"
    assert call(lead, "POST", f"{BASE}/9/withdraw", {"reason": "Sold"}).status_code == 404
    assert rates(device_ids=[node.devices.all()[0].pk], at=clock.now()) == {}


def test_anybody_reads_what_is_published(node: Node, lead: User) -> None:
    factories.publish_prices(node, by=lead)
    (statement,) = call(None, "GET", BASE).json()["items"]
    assert (statement["number"], statement["withdrawn"], len(statement["components"])) == (1, None, 11)
    (tariff,) = call(None, "GET", "nodes/gemini/tariffs").json()["items"]
    assert (tariff["statement"], tariff["price"]) == (1, "1.502027")
    assert call(None, "GET", "nodes/none/statements").status_code == 404
    Node.objects.update(state=Node.State.DRAFT)
    assert call(None, "GET", BASE).status_code == 404


def test_the_past_stands_for_programs_too(node: Node, lead: User) -> None:
    call(lead, "PUT", f"{BASE}/draft", {"declared": declared()})
    past = (clock.now() - DAY).isoformat()
    refused = call(lead, "POST", f"{BASE}/draft/publish", {"effective_from": past})
    assert refused.json()["errors"][0]["pointer"] == "#/effective_from"
    assert StatementDraft.objects.exists()


def test_a_draft_is_thrown_away(node: Node, lead: User) -> None:
    call(lead, "PUT", f"{BASE}/draft", {"declared": {}})
    assert call(lead, "DELETE", f"{BASE}/draft").status_code == 204
    assert call(lead, "DELETE", f"{BASE}/draft").status_code == 404


def test_a_program_sets_the_price(node: Node, lead: User) -> None:
    assert call(lead, "POST", "nodes/gemini/tariffs", {}).json()["field"] == "effective_from"
    call(lead, "PUT", f"{BASE}/draft", {"declared": declared()})
    call(lead, "POST", f"{BASE}/draft/publish", {})
    made = call(lead, "POST", "nodes/gemini/tariffs", {"price": "1.2"})
    assert (made.status_code, made.json()["price"]) == (201, "1.200000")


FAR = ["2206-01-01T00:00:00Z", "9999-12-31T23:30:00Z", "9999-03-01T00:00:00Z"]


@pytest.mark.parametrize("far", FAR)
def test_a_slip_in_the_year_does_not_settle_a_node_for_good(node: Node, lead: User, far: str) -> None:
    factories.publish_prices(node, by=lead)
    call(lead, "PUT", f"{BASE}/draft", {"declared": declared()})
    calls = [
        (f"{BASE}/draft/publish", "effective_from", (400, "statement_refused")),
        ("nodes/gemini/tariffs", "effective_from", (400, "tariff_refused")),
        (f"{BASE}/1/withdraw", "ends_at", (409, "withdrawal_refused")),
    ]
    for path, field, told in calls:
        reason = {"reason": "R"} if field == "ends_at" else {}
        refused = call(lead, "POST", path, {field: far} | reason)
        assert (refused.status_code, refused.json()["code"]) == told, path
        assert refused.json()["field"] == field
        assert "more than 366 days ahead" in refused.json()["detail"]
    assert CostStatement.objects.get().effective_until is None
    assert Tariff.objects.get().effective_until is None


def test_what_begins_within_a_year_is_announced(node: Node, lead: User) -> None:
    factories.publish_prices(node, by=lead)
    call(lead, "PUT", f"{BASE}/draft", {"declared": declared()})
    soon = {"effective_from": (clock.now() + 365 * DAY).isoformat()}
    assert call(lead, "POST", f"{BASE}/draft/publish", soon).status_code == 201
    assert call(lead, "POST", "nodes/gemini/tariffs", soon).status_code == 201
    assert Tariff.objects.count() == 2
