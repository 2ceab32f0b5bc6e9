"""Who may open which address: read off the views themselves, and written down in docs/permissions.md.

`manage.py permissions` writes that page. tests/config/test_permissions.py asks for every address as
everybody in it, so what it says is what happens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.admindocs.views import simplify_regex
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils.translation import gettext as _, gettext_noop

from accounts.access import SIGNED_IN, person
from common.access import ANYONE, NotAllowed, Rule, Rules, Verdict, Who, by_methods, guard, row
from config import parity

PAGE = Path(settings.BASE_DIR) / "docs" / "permissions.md"

Patterns = Sequence[URLPattern | URLResolver]
_CONVERTER = re.compile(r"<[a-z_]+:")


class NoRule(Exception):
    """An address that somebody could open without anybody having said who may."""


# --- the addresses of other packages -----------------------------------------------------------------
def _staff(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    if not person(request).is_staff:
        raise NotAllowed(_("Only staff of this site may open the admin."))
    return kwargs  # config.admin.Site asks for the second factor, and leads to where one is added


def _passkey(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    mine = Authenticator.objects.filter(user=person(request), type=Authenticator.Type.WEBAUTHN)
    get_object_or_404(mine, pk=kwargs["pk"])
    return kwargs  # allauth finds it once more


_S, _F, _A, _H = Verdict.SIGN_IN, Verdict.FORBIDDEN, Verdict.ALLOWED, Verdict.HIDDEN
# The steward of the table is staff and has a second factor.
STAFF = Rule("staff", gettext_noop("Staff with a second factor"), row(_S, _F, _F, _F, _F, _F, _A), _staff)
PASSKEY_HOLDER = Rule(
    "passkey holder", gettext_noop("Whose passkey it is"), row(_S, _H, _A, _H, _H, _H, _H), _passkey
)


def _both(rule: Rule) -> Rules:
    return {"GET": rule, "POST": rule}


# By the names that those packages give them. guard_others puts these rules before their views; behind
# them each still asks what it asks by itself, such as for the password once more.
OTHERS: Mapping[str, Rules] = {
    # django-allauth: signing in and out, signing up, passwords, the e-mail address
    "account_login": _both(ANYONE),
    "account_logout": _both(ANYONE),
    "account_inactive": ANYONE,
    "account_signup": _both(ANYONE),
    "account_confirm_login_code": _both(ANYONE),
    "account_reset_password": _both(ANYONE),
    "account_reset_password_done": ANYONE,
    "account_reset_password_from_key": _both(ANYONE),
    "account_reset_password_from_key_done": ANYONE,
    "account_reauthenticate": _both(SIGNED_IN),
    "account_email": _both(SIGNED_IN),
    "account_change_password": _both(SIGNED_IN),
    "account_set_password": _both(SIGNED_IN),
    # its second factors
    "mfa_authenticate": _both(ANYONE),  # leads away whoever has not just given a password
    "mfa_reauthenticate": _both(SIGNED_IN),
    "mfa_activate_totp": _both(SIGNED_IN),
    "mfa_deactivate_totp": _both(SIGNED_IN),
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": _both(SIGNED_IN),
    "mfa_download_recovery_codes": SIGNED_IN,
    "mfa_add_webauthn": _both(SIGNED_IN),
    "mfa_edit_webauthn": _both(PASSKEY_HOLDER),
    "mfa_remove_webauthn": _both(PASSKEY_HOLDER),
    "mfa_reauthenticate_webauthn": _both(SIGNED_IN),
    "mfa_login_webauthn": _both(ANYONE),
    # its connections with other providers
    "socialaccount_login_cancelled": ANYONE,
    "socialaccount_login_error": ANYONE,
    "socialaccount_signup": _both(ANYONE),  # leads away whoever does not come from a provider
    "socialaccount_connections": _both(SIGNED_IN),
    # django.contrib.admin, all of it
    "admin:": _both(STAFF),
}


def guard_others(patterns: Patterns, *, below: str = "") -> None:
    """Put the rules of OTHERS before the views that they name. For config.urls, once."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            space = f"{pattern.namespace}:" if pattern.namespace else below
            guard_others(pattern.url_patterns, below=space)
        elif rules := OTHERS.get(below or str(pattern.name)):
            pattern.callback = guard(rules)(pattern.callback)


# --- every address -----------------------------------------------------------------------------------
# The last are other packages; a view tells its room by the module that it stands in.
ROOMS: Mapping[str, str] = {
    "reservations": "Booking, jobs and projects",
    "pricing": "Prices, nodes and money",
    "nodes": "Agents of nodes",
    "ledger": "The public log",
    "accounts": "People and organisations",
    "config": "The site itself",
    "drf_spectacular": "The API’s description",
    "allauth": "Signing in (django-allauth)",
    "django": "The admin (Django)",
}


@dataclass(frozen=True)
class Address:
    """One address with the rule of each method that it answers."""

    route: str  # /projects/<slug>/
    name: str
    room: str
    is_api: bool  # takes tokens too, and refuses with problem documents
    rules: Mapping[str, Rule]
    scopes: Mapping[str, str] = field(default_factory=dict)  # that a token needs; empty: any will do


def addresses(patterns: Patterns | None = None) -> list[Address]:
    """All that the site answers, room by room. NoRule names what nobody has thought of."""
    found: dict[str, Address] = {}
    for route, pattern in _walked(get_resolver().url_patterns if patterns is None else patterns):
        if route not in found:  # a second of the same route is never reached
            found[route] = _address(route, pattern)
    rooms = list(ROOMS)
    return sorted(found.values(), key=lambda one: (rooms.index(one.room), one.route))


def _walked(patterns: Patterns, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        own = str(pattern.pattern)
        if not isinstance(pattern.pattern, RoutePattern):
            own = simplify_regex(own).lstrip("/")
        route = before + _CONVERTER.sub("<", own)
        if isinstance(pattern, URLResolver):
            yield from _walked(pattern.url_patterns, route)
        else:
            yield route, pattern


def _address(route: str, pattern: URLPattern) -> Address:
    view: Any = pattern.callback
    endpoint = getattr(view, "cls", None)  # REST framework's
    rules = getattr(endpoint or view, "access", None)
    if not rules:
        raise NoRule(f"{route}: put @guard(…) before its view, or say access in its endpoint.")
    module = str(view.__module__).split(".", maxsplit=1)[0]
    return Address(
        route=route,
        name=str(pattern.name),
        room="django" if route.startswith("/admin/") else module,
        is_api=endpoint is not None,
        rules=by_methods(rules),
        scopes=dict(getattr(endpoint, "scopes", {})),
    )


# --- the page ----------------------------------------------------------------------------------------
_HEAD = """\
# Who may do what

Written by `manage.py permissions` from the rules that stand before the views; `bin/check` fails where the
two differ, and `tests/config/test_permissions.py` asks for every address as everybody in the first table.

## Everybody, by what is asked

A stranger has not signed in. An outsider has, and belongs to another project and another organisation.
Member and lead belong to the project or organisation that the address is about; what is somebody's own is
the member's. The owner leads the organisation of the node, the funder a verified funder.

`sign in`: a page leads to the sign-in page, the API answers 401. `403`: the answer says who may.
`404`: the answer is the same as for what does not exist. HEAD is answered as GET; every other method that
is not listed, OPTIONS too, is answered 405.

"""
_PARITY = """
## What pages change, and which call does the same

Written from `config/parity.py`; `tests/config/test_parity.py` fails for a page that is not here.

"""
_WORDS = {Verdict.ALLOWED: "yes"}


def written() -> str:
    """docs/permissions.md."""
    every = addresses()
    parts = [_HEAD, *_table(["who may", *Who], _rule_rows(every))]
    for room, title in ROOMS.items():
        if rows := _address_rows([one for one in every if one.room == room]):
            parts += [f"\n## {title}\n\n", *_table(["address", "method", "who", "scope of a token"], rows)]
    return "".join([*parts, _PARITY, *_table(["page", "call"], parity.rows(every))])


def _rule_rows(every: Sequence[Address]) -> list[list[str]]:
    rules = {rule.said: rule for address in every for rule in address.rules.values()}
    return [
        [said, *(_WORDS.get(rule.verdicts[who], str(rule.verdicts[who])) for who in Who)]
        for said, rule in sorted(rules.items())
    ]


def _address_rows(every: Sequence[Address]) -> list[list[str]]:
    """Methods that the same people may use with the same scope share a line."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for address in every:
        route = "/admin/…" if address.room == "django" else address.route
        for method, rule in address.rules.items():
            methods = rows.setdefault((route, rule.said, _scope(address, method)), [])
            methods += [] if method in methods else [method]
    return [[f"`{route}`", ", ".join(methods), *rest] for (route, *rest), methods in rows.items()]


def _scope(address: Address, method: str) -> str:
    if not address.is_api:
        return "–"
    scope = address.scopes.get(method, "")
    return f"`{scope}`" if scope else "any"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_line(head), _line(["---"] * len(head)), *(_line(row) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
