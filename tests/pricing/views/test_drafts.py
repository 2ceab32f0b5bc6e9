"""The wizard: every step as everybody, nothing typed lost, two people at once in one draft."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from accounts.models import OrganisationMembership, User
from common import clock
from nodes.models import Node
from pricing.domain.declared import to_json
from pricing.models import CostStatement, StatementDraft, Tariff
from pricing.services import drafts
from tests import evidence_files as files, factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PDF = files.pdf()
STEPS = ["purchase", "power", "hosting", "people", "rest", "review"]
NASTY = "<script>alert(1)</script>{{ 7|add:7 }}"


@pytest.fixture
def lead() -> User:
    return factories.make_user("omar")


@pytest.fixture
def member() -> User:
    return factories.make_user("mina")


@pytest.fixture
def node(lead: User, member: User) -> Node:
    owner = factories.make_organisation(lead=lead, slug="lyon", name="Lyon")
    OrganisationMembership.objects.create(organisation=owner, user=member)
    return factories.make_node(devices=8, owner=owner, slug="gemini", name="Gemini")


def signed_in(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def client(lead: User) -> Client:
    return signed_in(lead)


BASE = "/nodes/gemini/statements/"
ADDRESSES = [
    BASE, f"{BASE}draft/", *(f"{BASE}draft/{step}/" for step in STEPS), f"{BASE}draft/discard/",
    f"{BASE}1/correct/", f"{BASE}1/withdraw/", "/nodes/gemini/tariffs/new/",
]  # fmt: skip
POSTED = [
    f"{BASE}draft/new/", *(f"{BASE}draft/{step}/" for step in STEPS), f"{BASE}draft/purchase/effect/",
    f"{BASE}draft/discard/", f"{BASE}1/correct/", f"{BASE}1/withdraw/", "/nodes/gemini/tariffs/new/",
]  # fmt: skip


def begin(node: Node, by: User) -> StatementDraft:
    return drafts.start_draft(node=node, by=by, at=clock.now())


def make_whole(node: Node, by: User, **changes: Any) -> StatementDraft:
    body = to_json(factories.make_declared(**changes))
    return drafts.replace_draft(node=node, declared=body, version=None, by=by, at=clock.now())


def draft_of(node: Node) -> StatementDraft:
    return StatementDraft.objects.get(node=node)


def purchase(node: Node, **fields: str) -> dict[str, str]:
    return {
        "version": str(draft_of(node).version), "assets-count": "1", "assets-0-name": "DGX H100",
        "assets-0-price": "280,000", "assets-0-purchased_on": "2026-01-01", "assets-0-life_years": "5",
        "assets-0-residual_value": "28 000", "assets-0-maintenance_share": "4", "assets-0-funding-count": "1",
        "assets-0-funding-0-source": "Agency", "assets-0-funding-0-kind": "public_grant",
        "assets-0-funding-0-amount": "168000", "related_parties": "no", "sources-purchase": "Invoice 7",
    } | fields  # fmt: skip


POWER = {
    "active_kilowatts": "6.2", "idle_kilowatts": "1.4", "energy_source": "wall", "pue": "1.25",
    "buys": "contract", "contract_price": "0.145", "planned_outage_hours": "350.4", "used_share": "72",
}  # fmt: skip


# --- who may -------------------------------------------------------------------------------------------
def test_only_leads_of_the_owner_come_in(node: Node, lead: User, member: User) -> None:
    factories.publish_prices(node, by=lead)
    begin(node, lead)
    rival = factories.make_user("rival")
    factories.make_organisation(lead=rival)
    steward = factories.make_user(is_steward=True)
    for address in ADDRESSES:
        assert signed_in(None).get(address).status_code == 302, address
        for outsider in (factories.make_user(), rival, steward):
            assert signed_in(outsider).get(address).status_code == 404, address
        assert signed_in(member).get(address).status_code == (200 if address == BASE else 403), address
        assert signed_in(lead).get(address).status_code in (200, 302), address


def test_only_leads_of_the_owner_change_something(node: Node, lead: User, member: User) -> None:
    factories.publish_prices(node, by=lead)
    rival = factories.make_user("rival")
    factories.make_organisation(lead=rival)
    for address in POSTED:
        for user, status in (
            (None, 302),
            (rival, 404),
            (factories.make_user(is_steward=True), 404),
            (member, 403),
        ):
            assert (
                signed_in(user).post(address, {"reason": "R", "first_day": "2030-01-01"}).status_code
                == status
            ), address
    assert not StatementDraft.objects.exists()


def test_a_member_reads_what_is_published_and_finds_no_button(node: Node, lead: User, member: User) -> None:
    factories.publish_prices(node, by=lead)
    page = signed_in(member).get(BASE).content.decode()
    assert "Withdraw" not in page
    assert "Withdraw" in signed_in(lead).get(BASE).content.decode()


def test_a_step_that_is_none_is_not_there(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    assert client.get(f"{BASE}draft/weather/").status_code == 404
    assert client.post(f"{BASE}draft/weather/effect/").status_code == 404


@pytest.mark.parametrize(
    "address", [f"{BASE}draft/", f"{BASE}draft/power/", f"{BASE}draft/review/", f"{BASE}draft/discard/"]
)
def test_without_a_draft_one_is_led_to_where_one_begins(node: Node, client: Client, address: str) -> None:
    assert client.get(address).headers["Location"] == BASE


# --- filling it in -------------------------------------------------------------------------------------
def test_a_draft_is_begun_and_gone_on_with(node: Node, client: Client) -> None:
    begun = client.post(f"{BASE}draft/new/")
    assert begun.headers["Location"] == f"{BASE}draft/purchase/"
    client.post(f"{BASE}draft/purchase/", purchase(node, next="1"))
    assert client.post(f"{BASE}draft/new/").headers["Location"] == f"{BASE}draft/power/"
    assert client.get(f"{BASE}draft/").headers["Location"] == f"{BASE}draft/power/"


def test_a_step_is_saved_as_a_declaration(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    answer = client.post(f"{BASE}draft/purchase/", purchase(node, next="1"))
    assert answer.headers["Location"] == f"{BASE}draft/power/"
    body = draft_of(node).declared
    assert body["assets"][0] | {"embodied_kilograms": None} == {
        "name": "DGX H100", "price": "280000", "purchased_on": "2026-01-01", "life_years": "5",
        "residual_value": "28000", "vat_not_recovered": None, "maintenance_share": "0.04",
        "warranty_until": None, "embodied_kilograms": None, "embodied_lowest": None, "embodied_highest": None,
        "funding": [{"source": "Agency", "kind": "public_grant", "amount": "168000"}],
    }  # fmt: skip
    assert (body["related_parties"], body["sources"]["purchase"]) == (False, "Invoice 7")


def test_every_step_leads_to_the_next_and_the_last_to_the_review(
    node: Node, lead: User, client: Client
) -> None:
    make_whole(node, lead)
    for here, there in zip(STEPS, STEPS[1:], strict=False):
        page = client.get(f"{BASE}draft/{here}/")
        answer = client.post(f"{BASE}draft/{here}/", filled(page) | {"next": "1"})
        assert answer.headers["Location"] == f"{BASE}draft/{there}/", here


def filled(page: Any) -> dict[str, str]:
    """What a browser would send of the page’s form as it stands."""
    html = page.content.decode().split('id="wizard"', 1)[1].split("</form>", 1)[0]
    sent = {}
    for tag in re.findall(r"<input [^>]*>", html):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        is_off = 'type="checkbox"' in tag and " checked" not in tag
        if name and not is_off and 'type="file"' not in tag:
            sent[name[1]] = unescaped(value[1]) if value else ("on" if "checkbox" in tag else "")
    for name, options in re.findall(r'<select name="([^"]*)".*?>(.*?)</select>', html, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        sent[name] = unescaped(chosen[1]) if chosen else ""
    for name, text in re.findall(r'<textarea name="([^"]*)".*?>(.*?)</textarea>', html, re.DOTALL):
        sent[name] = unescaped(text.strip())
    return sent


def unescaped(text: str) -> str:
    return text.replace("&#x27;", "'").replace("&quot;", '"').replace("&lt;", "<").replace("&amp;", "&")


def test_going_through_unchanged_changes_nothing(node: Node, lead: User, client: Client) -> None:
    """What the form writes it reads back as the same figures, to the last digit."""
    declared = factories.make_declared(planned_outage_hours=Decimal("1234.5678"))
    make_whole(node, lead, planned_outage_hours=declared.planned_outage_hours)
    for step in STEPS[:-1]:
        client.post(f"{BASE}draft/{step}/", filled(client.get(f"{BASE}draft/{step}/")) | {"next": "1"})
    assert drafts.from_json(draft_of(node).declared) == declared


@pytest.mark.parametrize("language", ["en", "fr"])
def test_so_it_is_in_french(node: Node, lead: User, client: Client, language: str) -> None:
    lead.language = language
    lead.save(update_fields=["language"])
    declared = factories.make_declared()
    make_whole(node, lead)
    for step in STEPS[:-1]:
        page = client.get(f"{BASE}draft/{step}/", headers={"Accept-Language": language})
        assert page.status_code == 200
        client.post(
            f"{BASE}draft/{step}/", filled(page) | {"next": "1"}, headers={"Accept-Language": language}
        )
    assert drafts.from_json(draft_of(node).declared) == declared


def test_a_decimal_comma_is_read(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    client.post(f"{BASE}draft/power/", POWER | {"version": "1", "pue": "1,3", "contract_price": "0,145"})
    assert (draft_of(node).declared["pue"], draft_of(node).declared["contract_price"]) == ("1.3", "0.145")


@pytest.mark.parametrize("step", STEPS)
def test_enter_goes_on_and_not_back(node: Node, lead: User, client: Client, step: str) -> None:
    """A browser presses the first button that belongs to a form, wherever it stands."""
    make_whole(node, lead)
    html = client.get(f"{BASE}draft/{step}/").content.decode().split("<main", 1)[1]
    first = re.search(r'<button [^>]*form="wizard"[^>]*>', html)
    assert first is not None
    assert html.index(first[0]) < html.index('id="wizard"')
    assert 'name="go"' not in first[0]


# --- what is wrong -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "field", "typed", "said"),
    [
        ("purchase", "assets-0-price", "a lot", "“a lot” is not a number. Write digits, such as 280,000."),
        ("purchase", "assets-0-price", "-3", "it cannot be below zero"),
        ("purchase", "assets-0-price", "0", "must be above zero"),
        ("purchase", "assets-0-price", "99999999999", "can be at most 1,000,000,000"),
        ("purchase", "assets-0-life_years", "0", "must be above zero"),
        ("purchase", "assets-0-purchased_on", "31.02.2026", "Write a day such as 2026-11-24."),
        ("purchase", "assets-0-purchased_on", "1066-10-14", "1990"),
        ("purchase", "assets-0-residual_value", "300000", "280,000"),
        ("purchase", "assets-0-funding-0-amount", "999999", "280,000"),
        ("power", "pue", "0.9", "it cannot be below 1"),
        ("power", "idle_kilowatts", "7", "power in use"),
        ("power", "used_share", "120", "cannot be above 100"),
        ("power", "used_share", "0", "must be above zero"),
        ("power", "planned_outage_hours", "9000", "8,760"),
        ("power", "contract_price", "", "This field is required."),
        ("hosting", "rack_units", "50", "42"),
        ("people", "staff_posts", "half", "“half” is not a number"),
        ("rest", "interest_rate", "101", "cannot be above 100"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_place_and_kept(
    node: Node, lead: User, client: Client, step: str, field: str, typed: str, said: str
) -> None:
    begin(node, lead)
    base = purchase(node) if step == "purchase" else POWER if step == "power" else {}
    sent = base | {"version": "1", field: typed, "next": "1"}
    answer = client.post(f"{BASE}draft/{step}/", sent)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert escape(said) in page or said in page
    if typed:
        assert f'value="{typed}"' in page
        again = client.get(f"{BASE}draft/{step}/").content.decode()
        assert typed.lstrip("-").replace(",", "") in again.replace(",", "")
        assert escape(said) in again or said in again


def test_other_steps_are_open_whatever_is_wrong(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    sent = purchase(node) | {"assets-0-price": "a lot", "go": "people"}
    assert client.post(f"{BASE}draft/purchase/", sent).headers["Location"] == f"{BASE}draft/people/"
    assert draft_of(node).declared["assets"][0]["price"] == "a lot"
    assert "to be completed" in client.get(f"{BASE}draft/people/").content.decode()


def test_what_is_typed_is_text_on_every_page(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    sent = purchase(node) | {"assets-0-name": NASTY, "assets-0-price": NASTY, "sources-purchase": NASTY}
    for page in (
        client.post(f"{BASE}draft/purchase/", sent | {"next": "1"}), client.get(f"{BASE}draft/purchase/"),
        client.get(f"{BASE}draft/review/"), client.post(f"{BASE}draft/purchase/effect/", sent),
    ):  # fmt: skip
        assert "<script>alert" not in page.content.decode()
    assert escape(NASTY) in client.get(f"{BASE}draft/review/").content.decode()


# --- rows ----------------------------------------------------------------------------------------------
def test_rows_are_added_and_removed_and_keep_what_was_typed(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    wrong = purchase(node) | {"assets-0-price": "a lot"}
    answer = client.post(f"{BASE}draft/purchase/", wrong | {"add": "assets"})
    assert answer.headers["Location"] == f"{BASE}draft/purchase/#assets"
    page = client.get(f"{BASE}draft/purchase/")
    assert filled(page)["assets-count"] == "2"
    assert filled(page)["assets-0-price"] == "a lot"
    sent = filled(page) | {"assets-1-name": "Switch", "add": "assets-1-funding"}
    client.post(f"{BASE}draft/purchase/", sent)
    page = client.get(f"{BASE}draft/purchase/")
    assert (filled(page)["assets-1-name"], filled(page)["assets-1-funding-count"]) == ("Switch", "1")
    client.post(f"{BASE}draft/purchase/", filled(page) | {"remove": "assets-0"})
    assert [row["name"] for row in draft_of(node).declared["assets"]] == ["Switch"]


def test_a_row_in_which_nothing_was_typed_is_left_out(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    client.post(f"{BASE}draft/purchase/", purchase(node, add="assets"))
    page = client.get(f"{BASE}draft/purchase/")
    client.post(f"{BASE}draft/purchase/", filled(page) | {"next": "1"})
    assert len(draft_of(node).declared["assets"]) == 1


@pytest.mark.parametrize("count", ["x", "-1", "99999999999999999999", "", "0"])
def test_a_count_that_is_none_does_no_harm(node: Node, lead: User, client: Client, count: str) -> None:
    begin(node, lead)
    sent = purchase(node) | {"assets-count": count, "next": "1"}
    assert client.post(f"{BASE}draft/purchase/", sent).status_code == 400


# --- two people ----------------------------------------------------------------------------------------
def test_who_saves_late_keeps_what_they_typed_and_is_told(node: Node, lead: User, client: Client) -> None:
    version = begin(node, lead).version
    drafts.save_draft(
        node=node, members={"pue": "1.9"}, version=version, by=factories.make_user("ines"), at=clock.now()
    )
    sent = POWER | {"version": str(version), "pue": "1.33", "next": "1"}
    answer = client.post(f"{BASE}draft/power/", sent)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Ines saved this draft on" in page
    assert 'value="1.33"' in page
    assert draft_of(node).declared["pue"] == "1.9"
    assert filled(answer)["version"] == str(version + 1)
    assert client.post(f"{BASE}draft/power/", filled(answer) | {"next": "1"}).status_code == 302
    assert draft_of(node).declared["pue"] == "1.33"


def test_a_form_without_its_version_overwrites_nothing(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    assert client.post(f"{BASE}draft/power/", POWER | {"next": "1"}).status_code == 409


def test_what_was_typed_in_a_draft_that_is_gone_can_begin_another(
    node: Node, lead: User, client: Client
) -> None:
    make_whole(node, lead)
    at = clock.now()
    drafts.publish_draft(node=node, version=None, effective_from=at, by=lead, at=at)
    answer = client.post(f"{BASE}draft/power/", POWER | {"version": "2", "pue": "1.44", "next": "1"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Statement 1 was published by Omar" in page
    assert 'value="1.44"' in page
    again = filled(answer) | {"again": "1"}
    assert again["version"] == ""
    assert client.post(f"{BASE}draft/power/", again).status_code == 302
    assert draft_of(node).declared["pue"] == "1.44"


def test_beginning_another_does_not_overwrite_one_that_somebody_began_meanwhile(
    node: Node, lead: User, client: Client
) -> None:
    begin(node, lead)
    drafts.save_draft(
        node=node, members={"pue": "1.9"}, version=None, by=factories.make_user("ines"), at=clock.now()
    )
    answer = client.post(f"{BASE}draft/power/", POWER | {"version": "", "pue": "1.44", "again": "1"})
    assert answer.status_code == 409
    assert draft_of(node).declared["pue"] == "1.9"


# --- beside the form -----------------------------------------------------------------------------------
def test_the_effect_is_shown_while_somebody_types_and_nothing_is_saved(
    node: Node, lead: User, client: Client
) -> None:
    make_whole(node, lead)
    before = draft_of(node).declared
    sent = filled(client.get(f"{BASE}draft/power/"))
    page = client.post(f"{BASE}draft/power/effect/", sent).content.decode()
    assert "2.2012" in page  # S1 of docs/cost-model.md
    dearer = client.post(f"{BASE}draft/power/effect/", sent | {"contract_price": "0.9"}).content.decode()
    assert "2.2012" not in dearer
    assert "<html" not in dearer
    assert draft_of(node).declared == before


def test_the_effect_tells_what_is_missing_wrong_and_odd(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    sent = POWER | {"pue": "1.00", "used_share": "x"}
    page = client.post(f"{BASE}draft/power/effect/", sent).content.decode()
    assert "With a PUE of 1.00 the place needs no cooling at all." in page
    assert "e-FISCAL" in page
    assert "Used hours" in page.split("something is wrong with it:")[1]


def test_what_is_assumed_is_not_said_to_count_as_nothing(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    page = client.post(f"{BASE}draft/power/effect/", POWER | {"pue": "", "used_share": ""}).content.decode()
    nothing, assumed = page.split("Not said yet, and assumed:")
    assert "PUE: 1, Used hours: 100 %" in assumed.split("</p>")[0].replace("\u00a0", " ").replace(
        "100%", "100 %"
    )
    told = nothing.split("counted as nothing:")[1]
    assert "Price" in told
    assert "PUE" not in told
    assert "Life in years (asset 1): 5" in assumed


def test_the_change_against_the_statement_in_force_is_shown(node: Node, lead: User, client: Client) -> None:
    factories.publish_prices(node, by=lead)
    begin(node, lead)
    sent = filled(client.get(f"{BASE}draft/people/")) | {"staff_posts": "0.30"}
    page = client.post(f"{BASE}draft/people/effect/", sent).content.decode()
    assert re.search(r"\+\d+\.\d %", page.replace("\u00a0", " "))
    assert "against statement 1" in page


def test_data_sheets_tell_what_the_machine_draws(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    page = client.get(f"{BASE}draft/power/").content.decode()
    assert "8 × H100 SXM5, 700 W; 2 × EPYC 9334, 210 W" in page


# --- evidence ------------------------------------------------------------------------------------------
def test_a_file_is_added_with_what_was_typed(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    sent: dict[str, Any] = purchase(node) | {
        "evidence-part": "purchase", "evidence-title": "Invoice", "evidence-visibility": "public",
        "attach": "1",
        "evidence-file": SimpleUploadedFile("invoice.pdf", PDF, "application/pdf"),
    }  # fmt: skip
    answer = client.post(f"{BASE}draft/purchase/", sent)
    assert answer.headers["Location"] == f"{BASE}draft/purchase/#evidence"
    row = draft_of(node).evidence.get()
    assert (row.part, row.evidence.title, row.evidence.visibility) == ("purchase", "Invoice", "public")
    assert draft_of(node).declared["assets"][0]["price"] == "280000"
    page = client.get(f"{BASE}draft/purchase/")
    assert "Invoice" in page.content.decode()
    client.post(f"{BASE}draft/purchase/", filled(page) | {"drop": str(row.pk)})
    assert not draft_of(node).evidence.exists()


def test_a_file_that_is_not_what_it_says_is_refused_and_the_rest_kept(
    node: Node, lead: User, client: Client
) -> None:
    begin(node, lead)
    sent: dict[str, Any] = purchase(node) | {
        "evidence-part": "purchase", "evidence-title": "Invoice", "evidence-visibility": "public",
        "next": "1",
        "evidence-file": SimpleUploadedFile("invoice.pdf", b"MZ\x90\x00", "application/pdf"),
    }  # fmt: skip
    answer = client.post(f"{BASE}draft/purchase/", sent)
    assert answer.status_code == 400
    assert 'id="id_evidence-file_error"' in answer.content.decode()
    assert draft_of(node).declared["assets"][0]["price"] == "280000"
    nameless = sent | {"version": filled(answer)["version"], "evidence-title": ""}
    nameless["evidence-file"] = SimpleUploadedFile("invoice.pdf", PDF, "application/pdf")
    assert "Give it a name." in client.post(f"{BASE}draft/purchase/", nameless).content.decode()


# --- the last look -------------------------------------------------------------------------------------
def test_the_review_tells_what_is_not_complete_and_where(node: Node, lead: User, client: Client) -> None:
    begin(node, lead)
    page = client.get(f"{BASE}draft/review/").content.decode()
    assert "Price of electricity is missing." in page
    assert f'href="{BASE}draft/power/"' in page
    assert re.search(r'<button class="button button--primary" disabled>', page)


def test_it_is_published_today_and_leads_to_its_price(node: Node, lead: User, client: Client) -> None:
    make_whole(node, lead)
    page = client.get(f"{BASE}draft/review/")
    answer = client.post(f"{BASE}draft/review/", filled(page))
    assert answer.headers["Location"] == "/nodes/gemini/tariffs/new/"
    statement = CostStatement.objects.get(node=node)
    assert statement.effective_from <= clock.now()
    assert statement.published_by == lead
    assert client.get("/nodes/gemini/").status_code == 200


def test_it_can_take_effect_on_another_day(node: Node, lead: User, client: Client) -> None:
    make_whole(node, lead)
    day = (clock.now() + 40 * DAY).date()
    client.post(f"{BASE}draft/review/", filled(client.get(f"{BASE}draft/review/")) | {"first_day": day})
    begins = CostStatement.objects.get(node=node).effective_from
    assert begins.astimezone(ZoneInfo("Europe/Paris")).isoformat().startswith(f"{day}T00:00")
    assert "announced" in client.get("/owner/").content.decode()
    tariff_day = filled_price(client)["first_day"]
    assert tariff_day == day.isoformat()


def filled_price(client: Client) -> dict[str, str]:
    html = client.get("/nodes/gemini/tariffs/new/").content.decode()
    return dict(re.findall(r'name="(price|first_day)" value="([^"]*)"', html))


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2020-01-01", "not in the past"),
        ("9999-12-31", "too far away"),
        ("soon", "Write a day such as"),
        ("", "required"),
    ],
)
def test_a_day_that_cannot_be_is_told_in_place(
    node: Node, lead: User, client: Client, day: str, said: str
) -> None:
    make_whole(node, lead)
    sent = filled(client.get(f"{BASE}draft/review/")) | {"first_day": day}
    answer = client.post(f"{BASE}draft/review/", sent)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not CostStatement.objects.exists()


def test_a_period_that_is_taken_is_told_in_place(node: Node, lead: User, client: Client) -> None:
    at = clock.now()
    make_whole(node, lead)
    drafts.publish_draft(node=node, version=None, effective_from=at + 40 * DAY, by=lead, at=at)
    make_whole(node, lead)
    answer = client.post(f"{BASE}draft/review/", filled(client.get(f"{BASE}draft/review/")))
    assert answer.status_code == 409
    assert "Another one takes effect on" in answer.content.decode()
    assert 'id="id_first_day_error"' in answer.content.decode()


def test_what_was_changed_meanwhile_is_looked_at_first(node: Node, lead: User, client: Client) -> None:
    make_whole(node, lead)
    sent = filled(client.get(f"{BASE}draft/review/"))
    drafts.save_draft(
        node=node, members={"pue": "1.9"}, version=None, by=factories.make_user("ines"), at=clock.now()
    )
    answer = client.post(f"{BASE}draft/review/", sent)
    assert answer.status_code == 409
    assert "Ines saved this draft" in answer.content.decode()
    assert not CostStatement.objects.exists()


def test_the_second_who_publishes_is_told_who_did(node: Node, lead: User, client: Client) -> None:
    make_whole(node, lead)
    sent = filled(client.get(f"{BASE}draft/review/"))
    client.post(f"{BASE}draft/review/", sent)
    answer = client.post(f"{BASE}draft/review/", sent, follow=True)
    assert "Statement 1 was published by Omar on" in answer.content.decode()
    assert CostStatement.objects.count() == 1


def test_a_correction_says_what_was_wrong(node: Node, lead: User, client: Client) -> None:
    factories.publish_prices(node, by=lead)
    assert client.post(f"{BASE}1/correct/", {"reason": " "}).status_code == 400
    begun = client.post(f"{BASE}1/correct/", {"reason": "Staff was counted twice"})
    assert begun.headers["Location"] == f"{BASE}draft/purchase/"
    page = client.get(f"{BASE}draft/review/")
    assert "It corrects statement 1" in page.content.decode()
    assert filled(page)["reason"] == "Staff was counted twice"
    client.post(f"{BASE}draft/review/", filled(page) | {"reason": "Staff was counted three times"})
    second = CostStatement.objects.get(node=node, number=2)
    assert (second.corrects_id, second.reason) == (
        CostStatement.objects.get(number=1).pk,
        "Staff was counted three times",
    )
    assert "Corrects statement 1: Staff was counted three times" in client.get(BASE).content.decode()


def test_a_correction_beside_an_open_draft_is_refused_in_place(
    node: Node, lead: User, client: Client
) -> None:
    factories.publish_prices(node, by=lead)
    begin(node, lead)
    answer = client.post(f"{BASE}1/correct/", {"reason": "Wrong"})
    assert answer.status_code == 409
    assert "Publish it or discard it first." in answer.content.decode()
    assert "Wrong" in answer.content.decode()


def test_what_withdrawing_means_is_told_before_it_is_done(node: Node, lead: User, client: Client) -> None:
    factories.publish_prices(node, by=lead)
    page = client.get(f"{BASE}1/withdraw/").content.decode()
    assert "nobody can book Gemini" in page
    assert "No slot is booked here" in page
    project = factories.make_project(factories.make_user("ada"))
    at = clock.now()
    factories.make_slot(
        project, list(node.devices.all()[:2]), start=at + DAY, end=at + 2 * DAY, by=lead, at=at
    )
    assert "1 slot is booked here" in client.get(f"{BASE}1/withdraw/").content.decode()
    answer = client.post(
        f"{BASE}1/withdraw/", {"first_day": clock.now().date(), "reason": "Sold"}, follow=True
    )
    assert "Statement 1 ends on" in answer.content.decode()
    assert "Withdrawn: Sold" in answer.content.decode()
    assert Tariff.objects.get(node=node).effective_until is not None
    again = client.post(f"{BASE}1/withdraw/", {"first_day": clock.now().date(), "reason": "Sold"})
    assert again.status_code == 409
    assert "has an end already" in again.content.decode()


def test_a_draft_is_discarded_after_a_second_look(node: Node, lead: User, client: Client) -> None:
    version = begin(node, lead).version
    assert "Discard the draft?" in client.get(f"{BASE}draft/discard/").content.decode()
    assert client.post(f"{BASE}draft/discard/", {"version": str(version + 7)}).status_code == 409
    client.post(f"{BASE}draft/discard/", {"version": str(version)})
    assert not StatementDraft.objects.exists()


# --- how much is asked ---------------------------------------------------------------------------------
def test_a_step_costs_the_same_however_much_is_in_it(
    node: Node, lead: User, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    factories.publish_prices(node, by=lead)
    asset = factories.make_asset()
    make_whole(node, lead, assets=(asset,) * 12)
    for step in STEPS:
        with django_assert_max_num_queries(20):
            assert client.get(f"{BASE}draft/{step}/").status_code == 200
