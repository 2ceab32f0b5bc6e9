"""The levels of several projects at once, exact and of this moment. One query, however many they are."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from django.db import connection

from reservations.domain.policy import Policy
from reservations.domain.room import Standing, Step, level_of
from reservations.selectors.levels import Level, said

# Accounts are few; what their thousands of projects have and used is added up in the database.
_ACCOUNTS = """
SELECT account.id, account.parent_id, account.shares, COALESCE(sum(child.shares), 0),
       COALESCE(sum(child.decayed_usage) FILTER (WHERE child.project_id IS NOT NULL), 0),
       COALESCE(sum(child.committed) FILTER (WHERE child.project_id IS NOT NULL), 0),
       json_agg(json_build_array(child.project_id, child.shares, child.decayed_usage::text,
                                 child.committed::text)) FILTER (WHERE child.project_id = ANY(%s))::text
  FROM reservations_vertex account
  LEFT JOIN reservations_vertex child ON child.parent_id = account.id
 WHERE account.project_id IS NULL
 GROUP BY account.id
"""


@dataclass(frozen=True)
class _Account:
    parent: int | None
    shares: int | None
    below: int  # shares of its children


@dataclass(frozen=True)
class _Accounts:
    by_id: Mapping[int, _Account]

    @cached_property
    def competing(self) -> Mapping[int, int]:
        """Shares of all who compete in an account: children of one without shares compete above it."""
        competing = dict.fromkeys(self.by_id, 0)
        for id, account in self.by_id.items():
            competing[self._with_shares(id)] += account.below
        return competing

    def path(self, shares: int | None, account: int) -> Iterator[Step]:
        """From a project upwards; what has no shares of its own has all that its account has."""
        while True:
            if shares is not None:
                yield Step("", shares, self.competing[self._with_shares(account)], 0)
            above = self.by_id[account]
            if above.parent is None:
                return
            shares, account = above.shares, above.parent

    def _with_shares(self, id: int) -> int:
        account = self.by_id[id]
        while account.shares is None and account.parent is not None:
            id, account = account.parent, self.by_id[account.parent]
        return id


def levels_of(ids: Collection[int], *, policy: Policy, at: datetime) -> Mapping[int, Level]:
    """By project; those without a place in the share tree are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, [list(ids)])
        rows = cursor.fetchall()
    accounts = _Accounts({row[0]: _Account(row[1], row[2], row[3]) for row in rows})
    stored, committed = (sum((row[column] for row in rows), Decimal(0)) for column in (4, 5))
    levels = {}
    for account, *_, found in rows:
        for project, shares, own_stored, own_committed in json.loads(found or "[]"):
            standing = Standing(
                path=tuple(accounts.path(shares, account)),
                stored=Decimal(own_stored), committed=Decimal(own_committed),
                stored_by_all=stored, committed_by_all=committed,
                capacity=Decimal(0), capacity_hours=Decimal(0), held=Fraction(0),
            )  # fmt: skip
            levels[project] = said(level_of(standing, half_life=policy.half_life, at=at))
    return levels
