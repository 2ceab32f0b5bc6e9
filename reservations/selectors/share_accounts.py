"""The accounts of the share tree as stewards see them: what each is promised, what moving one would mean."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import User
from reservations.domain.shares import Tree, Vertex as Node
from reservations.models import AccountMove, Vertex

MOST_ACCOUNTS = 300  # on the page of the whole tree; of a larger one it shows those right below the root
MOST_PROJECTS = 100  # on the page of one account
MOST_MOVES = 20
_DEEPEST = 4  # as far as a page indents


@dataclass(frozen=True)
class AccountRow:
    pk: int
    url: str
    name: str
    path: str  # the accounts above it and its own name
    depth: int
    organisation: str  # that its leads open projects for; empty where none has it
    organisation_url: str
    is_independent: bool  # all personal projects share it
    shares: int | None  # None: uses its account's
    of_account: float | None
    of_all: float  # its part of everything, as promised
    accounts: int  # right below it
    projects: int


@dataclass(frozen=True)
class ProjectRow:
    name: str
    slug: str
    shares: int | None
    of_all: float


@dataclass(frozen=True)
class MoveRow:
    """What was done with an account, and where that stands in the ledger."""

    account: str
    url: str
    from_below: str
    below: str
    shares_before: int | None
    shares: int
    reason: str
    by: str
    at: datetime
    entry: int | None


@dataclass(frozen=True)
class TreePage:
    """`accounts`: the root first, each account after the one that it is in."""

    accounts: tuple[AccountRow, ...]
    is_whole: bool
    moves: tuple[MoveRow, ...]


@dataclass(frozen=True)
class AccountPage:
    row: AccountRow
    below: int | None  # the account that it is in; None of the root
    children: tuple[AccountRow, ...]
    projects: tuple[ProjectRow, ...]  # the largest first
    more_projects: int  # that are not on the page
    places: tuple[tuple[int, str], ...]  # that it could be put below
    can_move: bool  # neither the root nor what all personal projects share
    is_own: bool  # who belongs to its organisation or to a project in it leaves it to another steward
    moves: tuple[MoveRow, ...]


@dataclass(frozen=True)
class MoveAsked:
    """What another place or other shares would mean: parts of everything, as promised."""

    shares: int
    now: float
    then: float
    others: tuple[Changed, ...]  # whose part changes beside it, where it is and where it would be


@dataclass(frozen=True)
class Changed:
    name: str
    now: float
    then: float


@dataclass(frozen=True)
class _Read:
    """Every vertex with its account, and the tree that follows. One query."""

    vertices: Mapping[int, Vertex]
    tree: Tree

    @property
    def root(self) -> Vertex:
        return self.vertices[int(self.tree.root)]

    def accounts(self) -> list[Vertex]:
        return [vertex for vertex in self.vertices.values() if vertex.project_id is None]

    def path(self, vertex: Vertex) -> str:
        names = [self.vertices[step].name for step in vertex.path]
        return " / ".join(names) if names else vertex.name


def tree_page() -> TreePage | None:
    """None where there is no tree yet. Two queries, however large it is."""
    found = _read()
    if found is None:
        return None
    every = list(_in_order(found))
    is_whole = len(every) <= MOST_ACCOUNTS
    shown = every if is_whole else [vertex for vertex in every if len(vertex.path) < 2]
    return TreePage(tuple(_rows(found, shown)), is_whole, _moves(AccountMove.objects.all()))


def account_page(*, account: Vertex, reader: User) -> AccountPage:
    """Four queries, however much is below it."""
    found = _read()
    assert found is not None  # it holds this account
    children = sorted(
        (vertex for vertex in found.accounts() if vertex.parent_id == account.pk), key=lambda one: one.name
    )
    projects = list(_projects(found, account))
    below = {vertex.pk for vertex in found.vertices.values() if account.pk in vertex.path}
    is_root = account.parent_id is None
    return AccountPage(
        row=next(_rows(found, [found.vertices[account.pk]])),
        below=account.parent_id,
        children=tuple(_rows(found, children)),
        projects=tuple(projects[:MOST_PROJECTS]),
        more_projects=max(0, len(projects) - MOST_PROJECTS),
        places=tuple(_places(found, below)),
        can_move=not is_root and not any(found.vertices[pk].is_independent for pk in below),
        is_own=not is_root and is_own(account=account, user=reader),
        moves=_moves(AccountMove.objects.filter(account=account)),
    )


def is_own(*, account: Vertex, user: User) -> bool:
    """Whether somebody belongs to its organisation, or to an organisation or a project inside it."""
    inside = Vertex.objects.filter(path__contains=[account.pk])
    return (
        inside.filter(organisation__memberships__user=user).exists()
        or inside.filter(project__memberships__user=user).exists()
    )


def move_asked(*, account: Vertex, below: int, shares: int) -> MoveAsked:
    """Of a place out of `places`. One query, over the whole tree: asked for only before a change is made."""
    found = _read()
    assert found is not None
    before = found.tree.promised
    nodes = [_node(vertex) for vertex in found.vertices.values()]
    moved = [
        replace(node, parent=str(below), shares=shares) if node.key == str(account.pk) else node
        for node in nodes
    ]
    after = Tree(moved).promised
    key = str(account.pk)
    beside = [
        vertex
        for vertex in sorted(found.accounts(), key=lambda one: (one.path[:-1], one.name))
        if vertex.parent_id in (account.parent_id, below)
        and vertex.pk != account.pk
        and account.pk not in vertex.path
        and before[str(vertex.pk)] != after[str(vertex.pk)]
    ]
    return MoveAsked(
        shares=shares,
        now=float(before[key]),
        then=float(after[key]),
        others=tuple(
            Changed(found.path(one), float(before[str(one.pk)]), float(after[str(one.pk)])) for one in beside
        ),
    )


def promised_to(account: Vertex) -> str:
    """Its part of everything to the sixth decimal, as text."""
    found = _read()
    assert found is not None
    return f"{float(found.tree.promised[str(account.pk)]):.6f}"


def _read() -> _Read | None:
    vertices = {one.pk: one for one in Vertex.objects.select_related("organisation").order_by("name", "pk")}
    if not vertices:
        return None
    return _Read(vertices, Tree(_node(vertex) for vertex in vertices.values()))


def _node(vertex: Vertex) -> Node:
    above = None if vertex.parent_id is None else str(vertex.parent_id)
    return Node(str(vertex.pk), above, vertex.shares, is_leaf=vertex.project_id is not None)


def _in_order(found: _Read) -> Iterator[Vertex]:
    """Depth first, by name."""
    children: dict[int | None, list[Vertex]] = defaultdict(list)
    for vertex in found.accounts():
        children[vertex.parent_id].append(vertex)
    waiting = [found.root]
    while waiting:
        vertex = waiting.pop()
        yield vertex
        waiting.extend(reversed(children[vertex.pk]))


def _rows(found: _Read, accounts: Sequence[Vertex]) -> Iterator[AccountRow]:
    inside = Counter((one.parent_id, one.project_id is None) for one in found.vertices.values())
    promised = found.tree.promised
    for vertex in accounts:
        key, is_root = str(vertex.pk), vertex.parent_id is None
        organisation = vertex.organisation
        yield AccountRow(
            pk=vertex.pk,
            url=reverse("steward_share_account", args=[vertex.pk]),
            name=vertex.name,
            path=found.path(vertex),
            depth=min(len(vertex.path), _DEEPEST),
            organisation=organisation.name if organisation else "",
            organisation_url=reverse("steward_accounts", args=[organisation.slug]) if organisation else "",
            is_independent=vertex.is_independent,
            shares=vertex.shares,
            of_account=None if is_root or vertex.shares is None else float(found.tree.norm_shares(key)),
            of_all=float(promised[key]),
            accounts=inside[vertex.pk, True],
            projects=inside[vertex.pk, False],
        )


def _projects(found: _Read, account: Vertex) -> Iterator[ProjectRow]:
    """Their addresses in one query, of those alone that are shown."""
    own = [vertex for vertex in found.vertices.values() if vertex.parent_id == account.pk]
    leaves = [vertex for vertex in own if vertex.project_id is not None]
    leaves.sort(key=lambda leaf: (-(leaf.shares or 0), leaf.name))
    shown = [leaf.pk for leaf in leaves[:MOST_PROJECTS]]
    slugs = dict(Vertex.objects.filter(pk__in=shown).values_list("pk", "project__slug"))
    for leaf in leaves:
        promised = float(found.tree.promised[str(leaf.pk)])
        yield ProjectRow(leaf.name, slugs.get(leaf.pk, ""), leaf.shares, promised)


def _places(found: _Read, below: set[int]) -> Iterator[tuple[int, str]]:
    """The root, then every account that is not below the one in question, by path."""
    yield found.root.pk, found.root.name
    others = [one for one in found.accounts() if one.path and one.pk not in below and not one.is_independent]
    yield from sorted(((one.pk, found.path(one)) for one in others), key=lambda place: place[1])


def _moves(moves: QuerySet[AccountMove]) -> tuple[MoveRow, ...]:
    rows = moves.select_related("account", "from_below", "below", "moved_by", "entry")
    return tuple(
        MoveRow(
            account=one.account.name,
            url=reverse("steward_share_account", args=[one.account_id]),
            from_below=one.from_below.name,
            below=one.below.name,
            shares_before=one.shares_before,
            shares=one.shares,
            reason=one.reason,
            by=str(one.moved_by),
            at=one.moved_at,
            entry=one.entry.index,
        )
        for one in rows[:MOST_MOVES]
    )
