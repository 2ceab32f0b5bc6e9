"""What a token may be allowed to do. accounts/wording/scopes.py has a sentence for each."""

from __future__ import annotations

from collections.abc import Collection, Iterable

READ = "read"
BOOK = "book"
RUN = "run"
PROJECTS = "projects"
ME = "me"
TOKENS = "tokens"
NOTICES = "notices"
ORGANISATIONS = "organisations"
GRANTS = "grants"
NODES = "nodes"
STEWARD = "steward"

# In the order in which they are offered.
ALL = (READ, BOOK, RUN, PROJECTS, ME, NOTICES, ORGANISATIONS, GRANTS, NODES, TOKENS, STEWARD)
# A token for one project reaches nothing outside it.
OF_ONE_PROJECT = (READ, BOOK, RUN, PROJECTS)


def unknown(scopes: Iterable[str]) -> list[str]:
    return [scope for scope in scopes if scope not in ALL]


def outside_a_project(scopes: Iterable[str]) -> list[str]:
    return [scope for scope in scopes if scope not in OF_ONE_PROJECT]


def beyond(scopes: Iterable[str], held: Collection[str]) -> list[str]:
    """Those that a token which makes another does not have itself."""
    return [scope for scope in scopes if scope not in held]


def in_order(scopes: Iterable[str]) -> list[str]:
    wanted = set(scopes)
    return [scope for scope in ALL if scope in wanted]
