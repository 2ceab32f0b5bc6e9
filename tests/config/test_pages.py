"""The frame of every page, the style guide and the error pages."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from accounts.models import User
from common import clock
from config import urls as real
from config.views import server_error
from ledger.models import Checkpoint
from tests import factories

handler500 = "config.views.server_error"


def breaks(_request: HttpRequest, kind: str) -> HttpResponse:
    raise {"500": RuntimeError, "403": PermissionDenied, "400": BadRequest, "odd": SuspiciousOperation}[kind]


urlpatterns = [*real.urlpatterns, path("breaks/<str:kind>/", breaks)]


@pytest.fixture(autouse=True)
def _footer_is_read_afresh() -> None:
    cache.clear()


def ask(client: Client, address: str) -> str:
    return client.get(address).content.decode()


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nothing/", 404),
        ("/breaks/403/", 403),
        ("/breaks/400/", 400),
        ("/breaks/odd/", 400),
        ("/breaks/500/", 500),
    ],
)
def test_an_error_is_a_page_with_its_status(client: Client, db: None, address: str, status: int) -> None:
    client.raise_request_exception = False
    answer = client.get(address)
    assert answer.status_code == status
    assert '<main id="main"' in answer.content.decode()
    assert "Start page" in answer.content.decode()


def test_an_error_page_needs_no_database() -> None:
    """No `db` fixture: pytest-django refuses any query."""
    assert server_error(HttpRequest()).status_code == 500


def test_a_form_without_its_token_is_told_that_nothing_changed(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/i18n/setlang/", {"language": "fr"})
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()


@override_settings(ROOT_URLCONF=__name__, EXAMPLE_WORLD=True)
@pytest.mark.parametrize("address", ["/styleguide/", "/nothing/", "/breaks/500/", "/accounts/login/"])
def test_an_example_world_says_so_on_every_page(client: Client, db: None, address: str) -> None:
    client.raise_request_exception = False
    assert 'class="example"' in ask(client, address)


def test_a_real_world_does_not_call_itself_an_example(client: Client, db: None) -> None:
    assert 'class="example"' not in ask(client, "/styleguide/")


@pytest.mark.parametrize("address", ["/styleguide/", "/accessibility/", "/accounts/login/", "/nothing/"])
def test_a_page_carries_no_inline_style_or_script(client: Client, db: None, address: str) -> None:
    html = ask(client, address)
    assert " style=" not in html
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", html)
    assert not re.search(r"\son[a-z]+=", html)


def test_the_footer_says_how_far_the_ledger_is(client: Client, db: None) -> None:
    assert "nothing has been signed yet" in ask(client, "/styleguide/")
    cache.clear()
    empty = hashlib.sha256(b"")  # the root of a tree without leaves (RFC 6962, section 2.1)
    Checkpoint.objects.create(size=0, root=empty.digest(), note="n", frontier=[], signed_at=clock.now())
    html = ask(client, "/styleguide/")
    assert "Ledger: 0 entries" in html
    # As the checkpoint itself writes it, in base64: what a reader compares is one text.
    assert "47DEQpj8…uFU=" in html


def test_the_style_guide_shows_every_component(client: Client, db: None) -> None:
    """A component that is not in the guide is one that the next person makes again."""
    html = ask(client, "/styleguide/")
    shown = {name for names in re.findall(r'class="([^"]+)"', html) for name in names.split()}
    sheet = Path(settings.BASE_DIR / "static/css/components.css").read_text()
    blocks = set(re.findall(r"^  /\* ([a-z-]+): ", sheet, re.MULTILINE))
    # Of these the pages themselves are the specimen.
    elsewhere = {
        "example",
        "crumbs",
        "door",
        "board",
        "table",
        "details",
        "timeline",
        "dock",
        "key",
        "plot",
        "chart",
        "switch",
    }
    missing = {block for block in blocks - elsewhere if block not in shown}
    assert missing <= {"panel"}


def test_every_file_of_another_hand_is_listed_with_its_digest() -> None:
    folder = Path(settings.BASE_DIR / "static/vendor")
    listed = (folder / "README.md").read_text()
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in ("README.md", "LICENSE"):
            assert hashlib.sha256(file.read_bytes()).hexdigest() in listed, file.name


def test_htmx_is_the_copy_that_the_list_names() -> None:
    found: Any = finders.find("django_htmx/htmx-2.min.js")
    listed = Path(settings.BASE_DIR / "static/vendor/README.md").read_text()
    assert hashlib.sha256(Path(found).read_bytes()).hexdigest() in listed


def test_the_admin_shows_the_sites_sign(admin_client: Client, admin_user: User) -> None:
    """Without a link of its own a browser asks for /favicon.ico, which is not there."""
    factories.give_second_factor(admin_user)
    assert re.search(r'<link rel="icon" href="[^"]*/sign\.svg"', ask(admin_client, "/admin/"))


@pytest.mark.django_db
def test_who_opens_the_address_of_a_form_is_told_in_a_page_and_a_program_as_before(client: Client) -> None:
    answer = client.get("/i18n/setlang/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "A form is sent to this address." in answer.content.decode()
    assert client.put("/i18n/setlang/").content == b""
    assert client.get("/agent/v1/enrol").headers["Content-Type"] != "text/html; charset=utf-8"
