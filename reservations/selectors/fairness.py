"""What each account was promised and what it got, and why people heard no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db import connection
from django.utils.translation import get_language

from accounts.selectors import public_names
from common.kept import keep, kept
from pricing.selectors.allowances import AllowancePage, allowance_page
from reservations import wording
from reservations.domain.shares import UNUSED, Tree
from reservations.selectors.fairness_weeks import PERIODS, Weeks, weeks
from reservations.selectors.fairness_weeks.cells import CellRow, fullest_cells
from reservations.selectors.levels import Level, said
from reservations.selectors.policies import in_force
from reservations.selectors.shares import ShareTree, share_tree
from reservations.selectors.status import SweepRow, sweep_rows

_LOOK_BACK = timedelta(days=28)
_ROWS_A_PAGE = 200

# The rules of a granted decision refuse nothing, and they are most of what the table holds.
_ASKED = """
WITH recent AS (
    SELECT decision.outcome, CASE WHEN decision.outcome = 'refused' THEN decision.rules END AS rules,
           reservation.during, reservation.created_at
      FROM reservations_decision decision
      LEFT JOIN reservations_reservation reservation ON reservation.decision_id = decision.id
     WHERE decision.decided_at >= %(since)s
)
SELECT count(*), count(*) FILTER (WHERE outcome = 'granted'),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM lower(during) - created_at)),
       (SELECT json_object_agg(code, number)
          FROM (SELECT rule ->> 'code' AS code, count(*) AS number
                  FROM recent CROSS JOIN LATERAL jsonb_array_elements(rules) AS rule
                 WHERE outcome = 'refused' AND rule ->> 'verdict' = 'refuse' GROUP BY 1) AS refusals),
       (SELECT count(*) FROM reservations_policyexception WHERE in_force @> %(at)s)
  FROM recent
"""


@dataclass(frozen=True)
class ShareRow:
    """An account or a project of the tree, in the order in which requests would be served."""

    name: str
    depth: int
    is_project: bool
    shares: int | None
    promised: Fraction
    received: Fraction  # of what everybody used, decayed, and booked
    level: Level
    rank: int | None  # projects only: 1 goes first
    key: str
    account: str  # the key of the account it competes in

    @property
    def promised_figure(self) -> Decimal:
        return decimal(self.promised)

    @property
    def received_figure(self) -> Decimal:
        return decimal(self.received)

    @property
    def points_figure(self) -> Decimal:
        """How far received is from promised, in percentage points."""
        return decimal((self.received - self.promised) * 100)

    @property
    def indent(self) -> int:
        """Deeper than this the page has no steps left; the order still tells."""
        return min(self.depth, 4)


@dataclass(frozen=True)
class Refusals:
    rule: str
    code: str
    number: int
    width: str  # SVG percentage of the most frequent one's


@dataclass(frozen=True)
class Part:
    """Which of the rows of a large tree a page holds."""

    account: str  # its key; empty: all accounts
    name: str
    number: int
    pages: int
    pages_of: Mapping[str, int]  # of the accounts, on the page that lists them

    @property
    def before(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        return self.number + 1 if self.number < self.pages else None


@dataclass(frozen=True)
class FairnessPage:
    at: datetime
    policy_version: int
    half_life_days: int
    floor_share: Decimal | None
    rows: tuple[ShareRow, ...]
    largest: Fraction  # the largest share of all, so that bars compare
    jain: Decimal | None
    asked: int
    granted: int
    median_wait: timedelta | None
    refusals: tuple[Refusals, ...]
    allowance: AllowancePage | None  # None: nobody pays a universal allowance
    exceptions: int  # in force
    cells: tuple[CellRow, ...]  # of this week and those to come: the fullest first
    sweeps: tuple[SweepRow, ...]
    weeks: Weeks
    part: Part | None = None  # None: these are all rows

    @property
    def largest_figure(self) -> Decimal:
        return decimal(self.largest)

    @property
    def days(self) -> int:
        return _LOOK_BACK.days

    @property
    def stale(self) -> int:
        return sum(sweep.is_stale for sweep in self.sweeps)

    @property
    def oldest(self) -> SweepRow | None:
        """The sweep that finished longest ago for how often it should."""
        known = [sweep for sweep in self.sweeps if sweep.age is not None]
        return max(known, key=lambda sweep: (sweep.age or sweep.every) / sweep.every, default=None)

    @property
    def granted_share(self) -> Decimal | None:
        return Decimal(self.granted) / self.asked if self.asked else None


def fairness_page(*, at: datetime, period: int = PERIODS[0]) -> FairnessPage:
    row, rules = in_force(at)
    shares = share_tree(policy=rules, at=at)
    rows = tuple(_rows(shares, at)) if shares else ()
    told = weeks(at=at, period=period)
    asked, granted, wait, refusals, exceptions = _asked(at)
    return FairnessPage(
        at=at,
        policy_version=row.version,
        half_life_days=rules.half_life_hours // 24,
        floor_share=None if rules.floor_share is None else decimal(rules.floor_share),
        rows=rows,
        largest=max((max(row.promised, row.received) for row in rows), default=Fraction(1)),
        jain=told.jain.jain if told.jain else None,
        asked=asked,
        granted=granted,
        median_wait=timedelta(seconds=float(wait)) if wait is not None else None,
        refusals=tuple(_refusals(refusals or {})),
        allowance=allowance_page(at=at),
        exceptions=exceptions,
        cells=fullest_cells(at),
        sweeps=sweep_rows(at),
        weeks=told,
    )


def fairness_part(
    *, at: datetime, account: str = "", page: int = 1, period: int = PERIODS[0]
) -> FairnessPage | None:
    """What one page holds: everything, or of a large tree the accounts, or one account's own.

    A large tree is read once a minute. None: there is no such account or page.
    """
    first = _kept_part(at, "", 1, period)
    if first.part is None or (account, page) == ("", 1):
        return first
    return _kept_part(at, account, page, period) if 1 <= page <= first.part.pages_of.get(account, 0) else None


def _kept_part(at: datetime, account: str, page: int, period: int) -> FairnessPage:
    """In the reader’s language: rules have names."""

    def named(account: str, page: int) -> str:
        return f"fairness:{get_language()}:{period}:{account}:{page}"

    def made() -> FairnessPage:
        whole = fairness_page(at=at, period=period)
        if len(whole.rows) <= _ROWS_A_PAGE:
            return whole
        parts = {
            (part.account, part.number): replace(whole, rows=rows, part=part)
            for part, rows in _parts(whole.rows)
        }
        keep({named(*place): part for place, part in parts.items()}, at=at)
        # An account that went since the first page was kept leads back to that one.
        return parts.get((account, page), parts["", 1])

    return kept(named(account, page), made, at=at, is_large=lambda found: found.part is not None)


def _parts(rows: Sequence[ShareRow]) -> Iterator[tuple[Part, tuple[ShareRow, ...]]]:
    """All accounts first, then each with who competes in it."""
    within: dict[str, list[ShareRow]] = {"": [row for row in rows if not (row.is_project and row.depth)]}
    names = {row.key: row.name for row in rows if not row.is_project}
    for row in rows:
        if row.account in names:
            within.setdefault(row.account, []).append(row)
    pages_of = {account: -(-len(its) // _ROWS_A_PAGE) for account, its in within.items()}
    for account, its in within.items():
        for index in range(pages_of[account]):
            pages = pages_of if not account else {}
            part = Part(account, names.get(account, ""), index + 1, pages_of[account], pages)
            yield part, tuple(its[index * _ROWS_A_PAGE : (index + 1) * _ROWS_A_PAGE])


def decimal(exact: Fraction) -> Decimal:
    """For writing; comparisons stay with the fraction."""
    return Decimal(exact.numerator) / exact.denominator


def _rows(shares: ShareTree, at: datetime) -> Iterator[ShareRow]:
    names = public_names(shares.key_of_project, at)
    yield from _below(shares, names, shares.tree.root, Fraction(1), 0)


def _below(
    shares: ShareTree, names: dict[int, str], account: str, promised: Fraction, depth: int
) -> Iterator[ShareRow]:
    """The competitors of an account, the least served of them first, each followed by its own."""
    tree = shares.tree
    competitors = sorted(
        tree.siblings(account), key=lambda one: (-tree.levels[one.key], shares.names[one.key])
    )
    for vertex in competitors:
        part = promised * tree.norm_shares(vertex.key)
        received = tree.received(vertex.key)
        project = shares.project_of_key.get(vertex.key)
        yield ShareRow(
            name=shares.names[vertex.key] if project is None else names[project],
            depth=depth,
            is_project=vertex.is_leaf,
            shares=vertex.shares,
            promised=part,
            received=received,
            level=said(part / received if received else UNUSED),
            rank=_place(tree, vertex.key) if vertex.is_leaf else None,
            key=vertex.key,
            account=account,
        )
        if not vertex.is_leaf:
            yield from _below(shares, names, vertex.key, part, depth + 1)


def _place(tree: Tree, key: str) -> int:
    """Slurm ranks from N down; people count from 1."""
    return len(tree.leaves) - tree.ranks[key] + 1


def _asked(at: datetime) -> tuple[int, int, Decimal | None, dict[str, int] | None, int]:
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, {"since": at - _LOOK_BACK, "at": at})
        asked, granted, wait, refusals, exceptions = cursor.fetchone()
    return asked, granted, wait, refusals, exceptions


def _refusals(counts: dict[str, int]) -> Iterator[Refusals]:
    most = max(counts.values(), default=1)
    for code, number in sorted(counts.items(), key=lambda item: -item[1]):
        yield Refusals(wording.name(code), code, number, f"{100 * number / most:.1f}%")
