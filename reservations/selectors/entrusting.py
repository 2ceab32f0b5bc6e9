"""The accounts that an organisation has in the share tree, as stewards see them, and those it could get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Organisation, User
from accounts.selectors.people import ActRow, acts
from reservations.models import Vertex
from reservations.selectors.applications import account_choices
from reservations.selectors.inside import shares_page


@dataclass(frozen=True)
class EntrustedRow:
    pk: int
    below: int
    name: str
    path: str  # the accounts above it and its own name
    shares: int | None  # None: uses its account's
    of_account: float | None
    of_all: float
    projects: int  # right below it


@dataclass(frozen=True)
class EntrustingPage:
    organisation: Organisation
    is_own: bool  # who belongs to it leaves it to another steward
    accounts: tuple[EntrustedRow, ...]
    free: tuple[tuple[int, str], ...]  # that could be given to it
    parents: tuple[tuple[int, str], ...]  # that a new one could stand below
    acts: tuple[ActRow, ...]


def entrusted(*, organisation: Organisation, at: datetime) -> tuple[EntrustedRow, ...]:
    """Its own accounts, by path. Four queries."""
    choices = {
        choice.vertex.pk: choice
        for choice in account_choices()
        if choice.vertex.organisation_id == organisation.pk
    }
    found = {row.pk: row for row in shares_page(organisation=organisation, at=at).rows}
    return tuple(
        EntrustedRow(
            pk=pk, below=found[pk].below, name=found[pk].name, path=choice.path, shares=found[pk].shares,
            of_account=found[pk].of_account, of_all=found[pk].of_all, projects=choice.projects,
        )
        for pk, choice in choices.items()
        if pk in found
    )  # fmt: skip


def entrusting_page(*, organisation: Organisation, reader: User, at: datetime) -> EntrustingPage:
    """However large the tree is, as many queries."""
    choices = account_choices()
    root = Vertex.objects.filter(parent=None).first()
    every = tuple((choice.vertex.pk, choice.path) for choice in choices)
    return EntrustingPage(
        organisation=organisation,
        is_own=organisation.memberships.filter(user=reader).exists(),
        accounts=entrusted(organisation=organisation, at=at),
        free=tuple(
            (choice.vertex.pk, choice.path) for choice in choices if choice.vertex.organisation_id is None
        ),
        parents=(() if root is None else ((root.pk, root.name),)) + every,
        acts=tuple(acts(organisation=organisation)),
    )
