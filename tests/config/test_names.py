"""A name is text wherever it is shown: every page and answer is walked while everything has a wicked one."""

from __future__ import annotations

import csv
import json
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connections
from django.http import StreamingHttpResponse
from django.test import Client

from accounts.domain.notices import KINDS
from accounts.models import Announcement, ApiToken, Invitation, Notice, Organisation, Project, User
from accounts.services import house_rules, invitation_mail, mail
from accounts.services.notices import notify
from common import clock
from common.access import Who
from config.permissions import addresses
from nodes.models import Node, Site
from pricing.models import FundingLine, Grant
from reservations.models import Application, Vertex
from tests import factories
from tests.config.cast import VALUES, Asker, World, arguments, filled, taken_back
from tests.reservations.services.worlds import make_open_node

pytestmark = pytest.mark.django_db
MARKUP = "<img src=x onerror=alert(1)>\"' onfocus=alert(2) {{7*7}}{% debug %}"
FORMULA = "=cmd|'/C calc'!A0"
HEADER = "Ada\r\nBcc: all@example.org\r\n\r\n\u202emoc.live\u2028x"
WICKED = [MARKUP, FORMULA, HEADER]
# What a walk of all pages meets in one name, which fits where names are shortest (80 characters).
AT_ONCE = "=cmd|<img src=x onerror=alert(1)>\"' onfocus=alert(2) {{7*7}}\r\nBcc: a@b\u202e\u2028x"
TOLD = ("=cmd|", "onerror=alert", "Bcc: a@b")
READ = [
    address
    for address in addresses()
    if "GET" in address.rules and all(one in VALUES for one in arguments(address))
]
SHOWN = [address for address in READ if address.room != "django"]
NAMED = ("by", "group", "project", "organisation", "token", "grant", "funder", "reason", "email")
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), taken_back():
        yield World()


@pytest.fixture(autouse=True)
def _alone_and_quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Streams give their connection back, which here is the test's own."""
    monkeypatch.setattr(connections, "close_all", lambda: None)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(params=WICKED, ids=["markup", "formula", "header"])
def name(request: pytest.FixtureRequest, world: World) -> str:
    return give_everything(str(request.param))


def give_everything(wicked: str) -> str:
    """This name, written past every form that would have refused it."""
    for model in (User, Organisation, Project, ApiToken, Node, Site, Grant, FundingLine):
        model._default_manager.update(name=wicked)
    for place in Vertex.objects.all():  # no two of one account are called the same
        Vertex.objects.filter(pk=place.pk).update(name=f"{wicked}{place.pk}")
    Project.objects.update(summary=wicked)
    Application.objects.update(
        name=wicked, summary=wicked, purpose=wicked, evidence=wicked, reply=wicked, evidence_file=""
    )
    Announcement.objects.update(text_en=wicked, text_fr=wicked)
    for notice in Notice.objects.all():
        named = {fact: wicked for fact in NAMED if fact in notice.params}
        Notice.objects.filter(pk=notice.pk).update(params=notice.params | named)
    return wicked


class Handlers(HTMLParser):
    """What a browser would run or load of our wicked names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for attribute, value in attrs:
            if attribute in ("onerror", "onfocus") or (attribute == "src" and value == "x"):
                self.found.append(f"<{tag} {attribute}={value}>")


def fault_of(answer: Any, name: str) -> str:
    if answer.status_code >= 500 and answer.status_code != 503:
        return f"{answer.status_code}"
    if any("Bcc" in value or "alert(" in value for value in answer.headers.values()):
        return f"in a header: {dict(answer.headers)}"
    kind = answer.headers.get("Content-Type", "").split(";")[0]
    if isinstance(answer, StreamingHttpResponse) or answer.status_code >= 300:
        return ""
    text = answer.content.decode("utf-8", "replace")
    if kind == "text/html":
        return ", ".join(Handlers(text).found) or _computed(text)
    if kind.endswith("json"):
        json.loads(text)
        return "" if answer.headers.get("X-Content-Type-Options") == "nosniff" else "may be sniffed"
    if kind == "text/csv":
        cells = [cell for row in csv.reader(StringIO(text)) for cell in row]
        return ", ".join(cell for cell in cells if cell.startswith(BEGINS_A_FORMULA) and not _is_number(cell))
    return ""


def _computed(html: str) -> str:
    """Where the name stands, its braces do: no template has read it."""
    is_read = html.count("onerror=alert(1)") > html.count("{{7*7}}")
    return "computed" if is_read and "…" not in html else ""


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-").replace(".", "", 1).isdigit()


@pytest.mark.parametrize("who", [Who.STRANGER, Who.LEAD, Who.FUNDER, Who.STEWARD])
def test_a_name_does_nothing_on_any_page_and_in_no_answer(world: World, who: Who) -> None:
    asker, found, met = Asker(world, who), [], Counter[str]()
    name = give_everything(AT_ONCE)
    for address in SHOWN:
        answer: Any = asker.ask("GET", filled(world, address))
        if fault := fault_of(answer, name):
            found.append(f"{address.route}: {fault}")
        if not isinstance(answer, StreamingHttpResponse) and answer.status_code == 200:
            text = answer.content.decode("utf-8", "replace")
            met.update(told for told in TOLD if told in text)
    assert not found, "\n".join(["", *found])
    least = 20 if who is Who.LEAD else 5
    assert all(met[told] > least for told in TOLD), f"the walk met few names: it shows nothing: {met}"


def test_no_cell_of_a_table_is_a_formula() -> None:
    node = make_open_node()
    Node.objects.update(name=FORMULA)
    Site.objects.update(name="+1+cmd")
    Organisation.objects.update(name="@SUM(A1)")
    tables = [Client().get(address) for address in ("/prices.csv", f"/nodes/{node.slug}.csv")]
    cells = [cell for one in tables for row in csv.reader(StringIO(one.content.decode())) for cell in row]
    assert f"'{FORMULA}" in cells
    assert [cell for cell in cells if cell.startswith(BEGINS_A_FORMULA) and not _is_number(cell)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_does_nothing_in_any_mail(kind: str, name: str, ada: User, lena: User) -> None:
    User.objects.filter(pk=lena.pk).update(name=name)
    lena.refresh_from_db()
    facts = {fact: _fact(fact, name, lena) for fact in KINDS[kind].params}
    notify(users=[ada], kind=kind, params=facts, url="/", dedupe="x", at=clock.now())
    message = mail.message_of(Notice.objects.get(user=ada, dedupe="x"))
    assert_harmless(message, ["ada@example.org"])


def test_nor_in_that_of_an_invitation(world: World, name: str) -> None:
    for invitation in Invitation.objects.all():
        assert_harmless(invitation_mail.message_of(invitation), [invitation.email])


def assert_harmless(message: Any, to: list[str]) -> None:
    assert isinstance(message, EmailMessage)
    written = message.message()
    assert message.recipients() == to
    assert set(written.keys()) <= {
        "Content-Type", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted",
        "List-Unsubscribe", "List-Unsubscribe-Post",
    }  # fmt: skip
    assert message.subject.splitlines() == [message.subject]
    assert "\u202e" not in message.subject
    [html] = [str(content) for content, kind in message.alternatives if kind == "text/html"]  # type: ignore[attr-defined]
    assert Handlers(html).found == []
    assert _computed(html) == ""


def _fact(fact: str, name: str, person: User) -> object:
    if fact == "by":
        return person
    if fact.endswith("_at"):
        return clock.now() + timedelta(days=1)
    if fact.endswith(("_eur", "_hours", "_ratio")):
        return "0.8"
    return 3 if fact in ("job", "version", "exit_code", "shares") else name


# --- what may be entered ------------------------------------------------------------------------------
ENTERED = {
    "a line and a header": "Ada\r\nBcc: all@example.org",
    "turned round": "Ada\u202emoc",
    "nothing": "Ada\x00",
    "line of another kind": "Ada\u2028Bcc",
    "ten thousand": "x" * 10_000,
}
FORMS: dict[str, dict[str, Any]] = {
    "/me/": {"name": "?", "language": "en", "time_zone": "Europe/Paris"},
    "/me/tokens/": {"name": "?", "project": "", "scopes": ["read"], "days": "7"},
    "/organisations/register/": {
        "name": "?",
        "kind": "lab",
        "country": "FR",
        "evidence": "https://x.example",
    },
    "/projects/apply/": {"name": "?", "summary": "?", "wanted_class": "research", "purpose": "p"},
}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "me": ("PATCH", {"name": "?"}),
    "me/tokens": ("POST", {"name": "?", "scopes": ["read"], "expires_at": "?"}),
    "organisations": ("POST", {"name": "?", "kind": "lab", "country": "FR", "evidence": "https://x.example"}),
    "applications": ("POST", {"name": "?", "wanted_class": "research", "purpose": "p"}),
}


def names() -> list[str]:
    rows: list[Any] = [User, Organisation, Project, ApiToken, Application]
    return [one.name for model in rows for one in model.objects.all()]


@pytest.fixture
def writer() -> Client:
    eve = factories.make_user("eve")
    house_rules.accept_house_rules(user=eve, version=1, at=clock.now())
    client = Client(raise_request_exception=False)
    client.force_login(eve)
    return client


@pytest.mark.parametrize("text", ENTERED.values(), ids=ENTERED)
@pytest.mark.parametrize("page", FORMS)
def test_no_form_keeps_what_steers(writer: Client, page: str, text: str) -> None:
    filled_in = {member: text if value == "?" else value for member, value in FORMS[page].items()}
    assert writer.post(page, filled_in).status_code < 500
    assert_kept_on_one_line()


@pytest.mark.parametrize("text", ENTERED.values(), ids=ENTERED)
@pytest.mark.parametrize("call", CALLS)
def test_nor_does_a_call(writer: Client, call: str, text: str) -> None:
    method, members = CALLS[call]
    body = {member: text if value == "?" else value for member, value in members.items()}
    if "expires_at" in body:
        body["expires_at"] = (clock.now() + timedelta(days=1)).isoformat()
    answer = writer.generic(method, f"/api/v1/{call}", json.dumps(body), "application/json")
    assert answer.status_code < 500
    assert_kept_on_one_line()


def assert_kept_on_one_line() -> None:
    kept = names()
    assert [one for one in kept if one.splitlines() not in ([one], [])] == []
    assert [one for one in kept if "\u202e" in one or "\x00" in one or len(one) > 150] == []
