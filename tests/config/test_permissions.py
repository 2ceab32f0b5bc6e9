"""docs/permissions.md is what happens: every address is asked for as everybody, by every method."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.template.backends.django import Template
from django.test import Client
from django.urls import URLResolver, path
from django.utils.safestring import SafeString

from accounts.access import PROJECT_LEAD, STEWARD, WITH_TOKEN
from accounts.domain import scopes
from accounts.domain.providers import Provider
from accounts.services import invitations
from common import access
from common.access import Rule, Verdict, Who
from config import permissions
from config.permissions import Address, NoRule, addresses
from reservations.views import project
from tests import factories
from tests.config.cast import (
    BODIES,
    VALUES,
    Asker,
    World,
    arguments,
    filled,
    make_secret,
    taken_back,
    verdict_of,
)

# Each test in a savepoint of the world's transaction; without the mark no test database would be made.
pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
EVERY = addresses()
# test_everything_in_an_address_has_a_value names what is missing here.
ADDRESSES = [address for address in EVERY if all(one in VALUES for one in arguments(address))]
SITE = [address for address in ADDRESSES if address.room != "django"]
ADMIN = [address for address in ADDRESSES if address.room == "django"]
SOME_OF_ADMIN = ADMIN[::8]  # where what is looked at is the same code for all of it
API = [address for address in ADDRESSES if address.is_api]
PEOPLE = [who for who in Who if who is not Who.STRANGER]
# Whose pages are written out. tests/config/test_names.py reads all of most others', and who is outside is
# shown what members are: here it matters only whether they come in.
WRITTEN_OUT = {Who.MEMBER, Who.OWNER}
# To the admin all who are not staff are one: some ask for each of its addresses, and the others in turns.
ALL_OF_ADMIN = {Who.STRANGER, Who.MEMBER, Who.STEWARD}
IN_TURNS = [who for who in Who if who not in ALL_OF_ADMIN]
# A provider that nobody answers for: 503 says that its page was reached.
NOBODY = Provider("lab", "Lab", "https://127.0.0.1:1", "equinode", "secret")
UNAVAILABLE = {"oidc"}
# Posted to without a cookie: agents sign each call, and a mail's link carries its own proof.
WITHOUT_COOKIES = {"nodes"}
PROVED_BY_LINK = {"unsubscribe"}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Made once; every request is taken back, and at the end all of it."""
    with django_db_blocker.unblock(), taken_back():
        yield World()


@pytest.fixture(autouse=True)
def _alone_and_quiet(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Streams give their connection back, which here is the test's own. Thousands are refused: without
    a page and a line in the log for each it is done in half the time."""
    monkeypatch.setattr(connections, "close_all", lambda: None)
    monkeypatch.setattr(access, "permission_denied", lambda *_asked: HttpResponse(status=403))
    usual = URLResolver.resolve_error_handler
    quick = {404: lambda *_asked, **_why: HttpResponse(status=404)}
    monkeypatch.setattr(
        URLResolver, "resolve_error_handler", lambda self, status: quick.get(status) or usual(self, status)
    )
    settings.OIDC_PROVIDERS = {NOBODY.id: NOBODY}
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def lies(world: World, asker: Asker, asked: list[Address]) -> list[str]:
    """Where the answer is not what the table says, a line each."""
    found = []
    for address in asked:
        for method, rule in address.rules.items():
            said = expected(asker, rule)
            answer = asker.ask(method, filled(world, address), BODIES.get(address.name))
            told = verdict_of(answer, address)
            is_broken = answer.status_code >= 500 and address.name not in UNAVAILABLE
            if is_broken or (told is not said and not _is_inside(address, said, told)):
                found.append(f"{method} {address.route}: {said}, but {answer.status_code} ({rule.name})")
    return found


def expected(asker: Asker, rule: Rule) -> Verdict:
    said = rule.verdicts[asker.who]
    is_without_token = rule is WITH_TOKEN and not asker.token
    return Verdict.FORBIDDEN if is_without_token and said is Verdict.ALLOWED else said


def _is_inside(address: Address, said: Verdict, told: Verdict) -> bool:
    """Staff is in; what the admin has none of, or shows to read only, it says itself."""
    return address.room == "django" and said is Verdict.ALLOWED and told is not Verdict.SIGN_IN


def assert_none(found: list[str]) -> None:
    assert not found, "\n".join(["", *found])


# --- the walk ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", Who)
def test_what_the_table_says_is_what_happens(world: World, who: Who, monkeypatch: pytest.MonkeyPatch) -> None:
    if who not in WRITTEN_OUT:
        monkeypatch.setattr(Template, "render", lambda *_filled: SafeString())
    assert_none(lies(world, Asker(world, who), SITE))


@pytest.mark.parametrize("who", PEOPLE)
def test_a_token_opens_what_its_person_may(world: World, who: Who) -> None:
    assert_none(lies(world, Asker(world, who, token=world.secrets[who]), API))


@pytest.mark.parametrize("who", Who)
def test_the_admin_is_for_staff(world: World, who: Who) -> None:
    asked = ADMIN if who in ALL_OF_ADMIN else ADMIN[IN_TURNS.index(who) :: len(IN_TURNS)]
    assert_none(lies(world, Asker(world, who), asked))


@pytest.mark.parametrize("who", [Who.STRANGER, Who.STEWARD])
def test_what_is_not_listed_is_not_answered(world: World, who: Who) -> None:
    """OPTIONS too: what an address takes is the documentation's to say. Endpoints ask first who it is."""
    asker, found = Asker(world, who), []
    for address in SITE + SOME_OF_ADMIN if who is Who.STRANGER else API:
        url = filled(world, address)
        for method in METHODS:
            if method in address.rules:
                continue
            status = asker.ask(method, url).status_code
            if status != 405:
                found.append(f"{method} {address.route}: {status}")
    assert_none(found)


@pytest.mark.parametrize("who", [Who.OUTSIDER])
def test_head_says_no_more_than_get(world: World, who: Who) -> None:
    asker, found = Asker(world, who), []
    for address in SITE:
        if "GET" not in address.rules or address.room == "nodes":  # agents speak as their protocol says
            continue
        answer = asker.ask("HEAD", filled(world, address))
        is_empty = answer.streaming or not answer.content
        if verdict_of(answer, address) is not expected(asker, address.rules["GET"]) or not is_empty:
            found.append(f"HEAD {address.route}: {answer.status_code}")
    assert_none(found)


# --- what else stands before a view ------------------------------------------------------------------
def test_a_session_changes_nothing_without_the_pages_proof(world: World) -> None:
    """Cross-site request forgery: everything that is not read asks for the token of its own page."""
    strict = Client(raise_request_exception=False, enforce_csrf_checks=True)
    asker, found = Asker(world, Who.STEWARD, client=strict), []
    for address in SITE + SOME_OF_ADMIN:
        if address.room in WITHOUT_COOKIES or address.name in PROVED_BY_LINK:
            continue
        for method in address.rules:
            if method == "GET":
                continue
            status = asker.ask(method, filled(world, address)).status_code
            if status != 403:
                found.append(f"{method} {address.route}: {status}")
    assert_none(found)


def test_a_token_needs_the_scope_that_the_page_names(world: World) -> None:
    lead, found = world.people[Who.LEAD], []
    with_one = {scope: Asker(world, Who.LEAD, token=make_secret(lead, scope)) for scope in ("read", "me")}
    for address in API:
        for method, scope in address.scopes.items():
            if not scope:
                continue
            answer: Any = with_one["me" if scope == "read" else "read"].ask(method, filled(world, address))
            if scope != "me" and (answer.status_code, answer.json().get("code")) != (403, "scope_missing"):
                found.append(f"{method} {address.route}: {answer.status_code}")
    assert_none(found)


def test_a_token_of_one_project_reaches_no_other(world: World) -> None:
    lead = world.people[Who.LEAD]
    another = factories.make_project(lead=lead)
    secret = make_secret(lead, *scopes.OF_ONE_PROJECT, project=another)
    asker, found = Asker(world, Who.LEAD, token=secret), []
    for address in API:
        for method, rule in address.rules.items():
            if rule.verdicts[Who.OUTSIDER] is Verdict.ALLOWED:
                continue
            answer = asker.ask(method, filled(world, address))
            if verdict_of(answer, address) not in (Verdict.HIDDEN, Verdict.FORBIDDEN):
                found.append(f"{method} {address.route}: {answer.status_code}")
    assert_none(found)


def test_a_token_of_one_project_joins_no_other(world: World) -> None:
    """An invitation to its person is not for it, nor may it ask for a new project."""
    outsider = world.people[Who.OUTSIDER]
    EmailAddress.objects.create(user=outsider, email=outsider.email, verified=True, primary=True)
    _invitation, link = invitations.issue(
        to=world.project, email=outsider.email, role="lead", by=world.people[Who.LEAD], at=world.at
    )
    own = outsider.projects.get()
    limited = Asker(world, Who.OUTSIDER, token=make_secret(outsider, *scopes.OF_ONE_PROJECT, project=own))
    free = Asker(world, Who.OUTSIDER, token=make_secret(outsider, scopes.PROJECTS))
    assert free.ask("GET", f"/api/v1/invitations/{link}").status_code == 200
    assert limited.ask("GET", f"/api/v1/invitations/{link}").status_code == 404
    assert limited.ask("POST", f"/api/v1/invitations/{link}").status_code == 404
    wish: dict[str, object] = {
        "name": "New", "wanted_class": "research", "purpose": "More", "evidence": "ANR-26-CE11-0042"
    }  # fmt: skip
    assert free.ask("POST", "/api/v1/applications", wish).status_code == 201
    assert limited.ask("POST", "/api/v1/applications", wish).status_code == 403


@pytest.mark.parametrize("who", [Who.STRANGER, Who.LEAD])
def test_what_is_not_for_everybody_is_kept_by_nobody(world: World, who: Who) -> None:
    """No cache between keeps it; a browser does not show it again after signing out."""
    asker, found = Asker(world, who), []
    for address in SITE:
        rule = address.rules.get("GET")
        if rule is None or rule.verdicts[Who.STRANGER] is Verdict.ALLOWED:
            continue
        answer = asker.ask("GET", filled(world, address))
        kept = answer.headers.get("Cache-Control", "")
        is_private = "no-store" in kept or (address.is_api and "private" in kept)
        if not is_private and answer.status_code not in (302, 405):
            found.append(f"GET {address.route}: {answer.status_code}, Cache-Control: {kept or 'none'}")
    assert_none(found)


@pytest.mark.parametrize("address", ["/", "/prices/", "/book/", "/ledger/", "/nothing/"])
def test_a_public_page_that_names_its_reader_is_their_own(world: World, address: str) -> None:
    answer = Asker(world, Who.MEMBER).ask("GET", address)
    assert "private" in answer.headers["Cache-Control"]
    assert "Cookie" in answer.headers["Vary"]


# --- and the test of the test ------------------------------------------------------------------------
def open_to_all(request: HttpRequest) -> HttpResponse:
    return HttpResponse("come in")


def test_an_address_without_a_rule_is_named() -> None:
    with pytest.raises(NoRule, match="/new/"):
        addresses([path("new/", open_to_all)])


def test_a_view_that_lost_its_guard_is_named() -> None:
    with pytest.raises(NoRule, match="/projects/"):
        addresses([path("projects/", inspect.unwrap(project.projects))])


@pytest.mark.parametrize("who", [Who.STRANGER, Who.MEMBER, Who.STEWARD])
def test_a_row_that_lies_is_found(world: World, who: Who) -> None:
    honest = next(address for address in SITE if address.route == "/projects/<slug>/members/")
    rule = honest.rules["GET"]
    other = Verdict.HIDDEN if rule.verdicts[who] is not Verdict.HIDDEN else Verdict.ALLOWED
    lying = replace(honest, rules={"GET": replace(rule, verdicts={**rule.verdicts, who: other})})
    assert lies(world, Asker(world, who), [honest]) == []
    assert len(lies(world, Asker(world, who), [lying])) == 1


def test_a_rule_that_admits_others_than_it_says_is_found(world: World) -> None:
    """The styleguide is open: said to be the stewards', it is found as soon as anybody looks."""
    lying = replace(next(one for one in SITE if one.name == "styleguide"), rules={"GET": STEWARD})
    assert len(lies(world, Asker(world, Who.OUTSIDER), [lying])) == 1


def test_everything_in_an_address_has_a_value() -> None:
    """Who adds an address about a new kind of thing puts one of it into the world: tests/config/cast.py."""
    assert_none(
        [f"{address.route}: VALUES of tests/config/cast.py" for address in EVERY if address not in ADDRESSES]
    )


def test_an_argument_that_nothing_stands_for_is_named(world: World) -> None:
    new = Address("/things/<thing>/", "thing", "config", False, {"GET": PROJECT_LEAD})
    with pytest.raises(KeyError, match="thing"):
        filled(world, new)


def test_rules_of_one_name_say_one_thing() -> None:
    by_name: dict[str, Any] = {}
    for address in ADDRESSES:
        for rule in address.rules.values():
            assert by_name.setdefault(rule.name, rule) == rule


# --- the page ----------------------------------------------------------------------------------------
def test_the_page_is_what_the_code_says() -> None:
    assert permissions.PAGE.read_text() == permissions.written(), "run manage.py permissions"
