from __future__ import annotations

import csv
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from reservations.domain.shares import FaultyTree, Tree, Vertex

# Slurm, testsuite/expect/test24.4 with test24.4.prog.c: name, parent, shares, raw usage, shares_norm,
# usage_eff, FairShare, LevelFS as printed, but for uD2, printed there as 0.238095: the levels of uD2,
# uD3 and uDA3 are all exactly 22/17, and floating-point noise separates them in Slurm.
FAIR_TREE = """
u1  |root|10|0  |0.048077|0.000000|1.000000|inf
u2  |root|10|10 |0.048077|0.041667|0.666667|1.153846
aA  |root|40|   |0.192308|0.187500|        |1.025641
aAA |aA  |30|   |0.750000|0.444444|        |1.687500
uAA1|aAA | 1|20 |1.000000|1.000000|0.619048|1.000000
aAB |aA  |10|   |0.250000|0.555556|        |0.450000
uAB1|aAB | 1|25 |0.500000|1.000000|0.523810|0.500000
uAB2|aAB | 1|0  |0.500000|0.000000|0.571429|inf
aB  |root|60|   |0.288462|0.104167|        |2.769231
aBA |aB  |25|   |0.416667|1.000000|        |0.416667
uBA1|aBA | 1|25 |1.000000|1.000000|0.714286|1.000000
aBB |aB  |35|   |0.583333|0.000000|        |inf
uBB1|aBB | 1|0  |1.000000|0.000000|0.761905|inf
aC  |root| 0|   |0.000000|0.125000|        |0.000000
uC1 |aC  | 0|30 |0.000000|1.000000|0.047619|0.000000
aD  |root|50|   |0.240385|0.458333|        |0.524476
uD1 |aD  |parent|20|0.240385|0.181818|0.476190|
uD2 |aD  |40|20 |0.235294|0.181818|0.333333|1.294118
uD3 |aD  |50|25 |0.294118|0.227273|0.333333|1.294118
aDA |aD  |parent||0.240385|0.409091|       |
uDA1|aDA |parent|10|0.240385|0.090909|0.476190|
uDA2|aDA |30|10 |0.176471|0.090909|0.380952|1.941176
uDA3|aDA |50|25 |0.294118|0.227273|0.333333|1.294118
aE  |root|10|   |0.048077|0.000000|        |inf
aE1 |aE  |10|0  |0.500000|0.000000|1.000000|inf
aE2 |aE  |10|0  |0.500000|0.000000|1.000000|inf
aF  |root|20|   |0.096154|0.000000|        |inf
uF1 |aF  |10|0  |0.333333|0.000000|1.000000|inf
uF2 |aF  |20|0  |0.666667|0.000000|1.000000|inf
aG  |root| 8|   |0.038462|0.083333|        |0.461538
uG1 |aG  |10|10 |0.500000|0.500000|0.190476|1.000000
aGA |aG  |10|   |0.500000|0.500000|        |1.000000
uGA1|aGA |20|4  |0.500000|0.400000|0.190476|1.250000
uGA2|aGA |20|6  |0.500000|0.600000|0.095238|0.833333
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in FAIR_TREE.strip().splitlines()]
ROOT = Vertex("root", None, 1)


@pytest.fixture(scope="module")
def slurm_tree() -> Tree:
    vertices = [ROOT]
    for name, parent, shares, usage, *_ in ROWS:
        own = None if shares == "parent" else int(shares)
        vertices.append(Vertex(name, parent, own, Fraction(usage or 0), is_leaf=bool(usage)))
    return Tree(vertices)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_it_reproduces_slurms_published_fair_tree(slurm_tree: Tree, row: list[str]) -> None:
    name, _, _, _, shares_norm, usage_eff, fair_share, level = row
    assert len(slurm_tree.leaves) == 21
    assert f"{float(slurm_tree.norm_shares(name)):.6f}" == shares_norm
    # aGA's users show their part of the account, uAB1 of what aAB used, and so on.
    assert f"{float(slurm_tree.effective_usage(name)):.6f}" == usage_eff
    if fair_share:
        assert f"{float(slurm_tree.fair_share(name)):.6f}" == fair_share
    if level:
        assert f"{float(slurm_tree.levels[name]):.6f}" == level


def test_three_users_tie_exactly_where_slurm_sees_noise(slurm_tree: Tree) -> None:
    assert {slurm_tree.levels[user] for user in ("uD2", "uD3", "uDA3")} == {Fraction(22, 17)}
    assert slurm_tree.fair_share("uD2") == Fraction(7, 21)


def test_the_order_is_explained_at_the_first_common_account(slurm_tree: Tree) -> None:
    why = slurm_tree.compare("uBA1", "uAB2")
    assert (why.account, why.left.key, why.right.key, why.tied) == ("root", "aB", "aA", ())
    assert why.left.level > why.right.level
    assert slurm_tree.ranks["uBA1"] > slurm_tree.ranks["uAB2"]  # though uAB2 used nothing at all
    within = slurm_tree.compare("uDA2", "uD3")
    # aDA uses aD's shares
    assert (within.account, within.left.key, within.right.key) == ("aD", "uDA2", "uD3")
    # aE and aF tie without use, so their users compete with each other.
    merged = slurm_tree.compare("aE1", "uF2")
    assert [(one.key, other.key) for one, other in merged.tied] == [("aE", "aF")]
    assert (merged.left.key, merged.right.key) == ("aE1", "uF2")


# --- trees of other projects, kept outside this repository ---
ORACLES = Path(
    os.environ.get("SLURM_FAIRSHARE_ORACLES", Path(__file__).parents[4] / "shared/data/slurm_fairshare")
)
needs_oracles = pytest.mark.skipif(not ORACLES.is_dir(), reason=f"no oracle files in {ORACLES}")


def flux_tree(name: str) -> tuple[Tree, list[dict[str, str]]]:
    with (ORACLES / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    vertices = [ROOT]
    for row in rows[1:]:
        is_leaf = bool(row["user"])
        parent = row["bank"] if is_leaf else "root"
        vertices.append(
            Vertex(
                row["user"] or row["bank"],
                parent,
                int(row["raw_shares"]),
                Fraction(row["raw_usage"]),
                is_leaf,
            )
        )
    return Tree(vertices), [row for row in rows if row["user"]]


@needs_oracles
@pytest.mark.parametrize("name", ["fairtree_flux_small_no_tie.csv", "fairtree_flux_small_tie.csv"])
def test_it_reproduces_flux_accountings_fair_shares(name: str) -> None:
    tree, users = flux_tree(name)
    for user in users:
        assert round(float(tree.fair_share(user["user"])), 6) == float(user["expected_fairshare"])


@needs_oracles
def test_it_reproduces_flux_accountings_order_where_a_user_ties_with_an_account() -> None:
    tree, users = flux_tree("fairtree_flux_small_tie_diff_type.csv")
    served = sorted(users, key=lambda user: (-tree.ranks[user["user"]], int(user["expected_order"])))
    assert [user["expected_order"] for user in served] == ["1", "2", "3", "4", "5", "6"]


@needs_oracles
def test_level_fs_is_shares_over_usage_on_real_clusters() -> None:
    with (ORACLES / "sshare_real_lines.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["level_fs"] and line["raw_shares"] != "parent"]
    assert len(lines) == 5
    for line in lines:  # printed with six decimals, so a small usage has few digits
        usage = float(line["effectv_usage"])
        slack = 0.5e-6 / usage + 0.5e-6 / float(line["norm_shares"])
        assert float(line["norm_shares"]) / usage == pytest.approx(float(line["level_fs"]), rel=slack)


# --- properties ---
@st.composite
def trees(draw: st.DrawFn) -> list[Vertex]:
    """Of any depth; small numbers, so that ties, zeros and `parent` shares are common."""
    vertices, accounts = [ROOT], ["root"]
    for number in range(draw(st.integers(0, 6))):
        shares = draw(st.one_of(st.none(), st.integers(0, 3)))
        vertices.append(Vertex(f"a{number}", draw(st.sampled_from(accounts[-3:])), shares))
        accounts.append(f"a{number}")
    for number in range(draw(st.integers(1, 8))):
        shares, usage = draw(st.one_of(st.none(), st.integers(0, 3))), Fraction(draw(st.integers(0, 3)))
        vertices.append(Vertex(f"u{number}", draw(st.sampled_from(accounts)), shares, usage, True))
    return vertices


def as_documented(tree: Tree) -> dict[str, int]:
    """Fair Tree as Slurm's document tells it, in fractions and recursion: slow, and plainly what it says."""
    ranks: dict[str, int] = {}

    def walk(children: list[Vertex], best: int | None) -> None:
        levels = {child.key: tree.levels[child.key] for child in children}
        for level in sorted(set(levels.values()), reverse=True):
            tied = [child for child in children if levels[child.key] == level]
            rank = best or len(tree.leaves) - len(ranks)
            users = {child.key: rank for child in tied if child.is_leaf}
            ranks.update(users)
            below = [one for child in tied if not child.is_leaf for one in tree.siblings(child.key)]
            walk(below, rank if users or best else None)
            best = None

    walk(tree.siblings(tree.root), None)
    return ranks


@settings(max_examples=400, deadline=None)
@given(trees())
def test_ranks_are_those_of_the_document(vertices: list[Vertex]) -> None:
    tree = Tree(vertices)
    assert tree.ranks == as_documented(tree)


def test_it_ranks_slurms_tree_as_the_document_says(slurm_tree: Tree) -> None:
    assert slurm_tree.ranks == as_documented(slurm_tree)


def test_an_account_that_uses_its_parents_is_promised_what_is_below_it() -> None:
    tree = Tree([
        ROOT, Vertex("climate", "root", 60), Vertex("history", "root", 50),
        Vertex("life", "climate", 60), Vertex("oceans", "climate", None),
        Vertex("eddies", "oceans", 1, Fraction(0), True), Vertex("proteins", "life", 1, Fraction(0), True),
    ])  # fmt: skip
    assert tree.promised["oceans"] == tree.promised["eddies"] == Fraction(60, 110) * Fraction(1, 61)
    assert tree.promised["oceans"] + tree.promised["life"] == tree.promised["climate"]


@settings(deadline=None)
@given(trees())
def test_accounts_in_an_account_are_together_promised_no_more_than_it(vertices: list[Vertex]) -> None:
    """Where nobody below uses all of an account's shares: those have all of it, each."""
    vertices = [replace(one, shares=1) if one.is_leaf and one.shares is None else one for one in vertices]
    tree = Tree(vertices)
    for account in vertices:
        inside = [one for one in vertices if one.parent == account.key]
        together = sum((tree.promised[one.key] for one in inside), Fraction(0))
        if not account.is_leaf:
            assert together <= tree.promised[account.key]
        if not account.is_leaf and account.shares is None and account is not ROOT:
            assert together == tree.promised[account.key]


def scaled(vertex: Vertex, *, shares: int = 1, usage: Fraction = Fraction(1)) -> Vertex:
    own = None if vertex.shares is None else vertex.shares * shares
    return Vertex(vertex.key, vertex.parent, own, vertex.usage * usage, vertex.is_leaf)


@settings(deadline=None)
@given(trees(), st.integers(1, 1000), st.integers(1, 1000))
def test_scaling_all_shares_or_all_usage_changes_no_rank(
    vertices: list[Vertex], many: int, more: int
) -> None:
    before = Tree(vertices).ranks
    assert Tree([scaled(vertex, shares=many) for vertex in vertices]).ranks == before
    assert Tree([scaled(vertex, usage=Fraction(many, more)) for vertex in vertices]).ranks == before


@settings(max_examples=500, deadline=None)
@given(trees(), st.integers(0, 20), st.integers(1, 5))
def test_adding_usage_never_raises_ones_own_rank(vertices: list[Vertex], chosen: int, more: int) -> None:
    leaves = [vertex for vertex in vertices if vertex.is_leaf]
    heavier = leaves[chosen % len(leaves)]
    after = [
        Vertex(v.key, v.parent, v.shares, v.usage + more, v.is_leaf) if v is heavier else v for v in vertices
    ]
    assert Tree(after).ranks[heavier.key] <= Tree(vertices).ranks[heavier.key]


@given(trees())
def test_ranks_count_every_project_and_depend_on_no_order_of_reading(vertices: list[Vertex]) -> None:
    tree = Tree(vertices)
    assert set(tree.ranks) == set(tree.leaves)
    assert max(tree.ranks.values()) == len(tree.leaves)
    assert Tree([ROOT, *reversed(vertices[1:])]).ranks == tree.ranks
    assert [leaf for tied in tree.order() for leaf in tied] == sorted(
        tree.leaves, key=lambda leaf: (-tree.ranks[leaf], leaf)
    )


@settings(deadline=None)
@given(trees())
def test_the_comparison_agrees_with_the_ranks(vertices: list[Vertex]) -> None:
    tree = Tree(vertices)
    for left in tree.leaves:
        for right in tree.leaves:
            if left == right:
                continue
            why = tree.compare(left, right)
            if why.left.level > why.right.level:
                assert tree.ranks[left] > tree.ranks[right]
            elif why.left.level == why.right.level and why.left.key == left:
                assert tree.ranks[left] >= tree.ranks[right]
                assert why.right.key != right or tree.ranks[left] == tree.ranks[right]
            assert tree.compare(right, left).left == why.right


@given(trees(), st.integers(1, 5))
def test_a_what_if_is_the_tree_with_that_much_more_usage(vertices: list[Vertex], more: int) -> None:
    leaf = next(vertex for vertex in vertices if vertex.is_leaf)
    parts = [Vertex(v.key, v.parent, v.shares, int(v.usage * 1000), v.is_leaf) for v in vertices]
    found = Tree(parts, per_unit=1000).using_more(leaf.key, Fraction(more, 3))
    heavier = [replace(v, usage=v.usage + Fraction(more, 3)) if v is leaf else v for v in vertices]
    assert (found.ranks, found.usage) == (Tree(heavier).ranks, Tree(heavier).usage)


def test_a_tree_may_be_as_deep_as_it_likes() -> None:
    depth = 3000
    chain = [Vertex(str(n), str(n - 1) if n else None, None if n % 2 else 2) for n in range(depth)]
    leaves = [Vertex("deep", str(depth - 1), 1, Fraction(3), True), Vertex("flat", "0", 2, Fraction(4), True)]
    tree = Tree([*chain, *leaves])
    assert tree.order() == [["deep"], ["flat"]]  # 2/4 over 3/7 against 2/4 over 4/7
    assert tree.norm_shares("deep") == 1
    assert len(tree.line("deep")) == depth // 2


@pytest.mark.parametrize(
    ("vertices", "said"),
    [
        ([ROOT, Vertex("a", "b", 1), Vertex("b", "a", 1)], "a is below itself: there is a cycle"),
        ([ROOT, Vertex("a", "a", 1)], "a is below itself"),
        ([ROOT, Vertex("a", "nowhere", 1)], "a is below nowhere, which is not there"),
        (
            [ROOT, Vertex("u", "root", 1, is_leaf=True), Vertex("v", "u", 1)],
            "v is below u, which is no account",
        ),
        ([ROOT, Vertex("a", "root", -1)], "shares are zero or more, and a has -1"),
        ([ROOT, Vertex("u", "root", 1, Fraction(-1, 2), True)], "usage is zero or more, and u has -1/2"),
        ([], "one root, not 0"),
        ([ROOT, Vertex("other", None, 1)], "one root, not 2"),
    ],
)
def test_what_is_no_tree_is_refused_with_the_vertex_at_fault(vertices: list[Vertex], said: str) -> None:
    with pytest.raises(FaultyTree, match=said):
        Tree(vertices)


def test_without_shares_one_comes_last_and_all_of_nothing_tie() -> None:
    """Zero shares are allowed: no claim against others, whether used or not."""
    tree = Tree(
        [
            ROOT,
            Vertex("a", "root", 0, Fraction(0), True), Vertex("b", "root", 0, Fraction(9), True),
            Vertex("c", "root", 1, Fraction(9), True), Vertex("d", "root", 1, Fraction(0), True),
        ]
    )  # fmt: skip
    assert tree.order() == [["d"], ["c"], ["a", "b"]]


# Slurm's classic fair-share (classic_fair_share.shtml, test24.1): not what Equinode ranks by, but published
# with numbers, so it shows that normalised shares and usage are read alike.
CLASSIC = {
    "User1": "0.408479",
    "User2": "0.022097",
    "User3": "0.125000",
    "User4": "0.500000",
    "User5": "0.749154",
}


def test_shares_and_usage_give_slurms_classic_factors_too() -> None:
    accounts = [("A", "root", 40), ("B", "A", 30), ("C", "A", 10), ("D", "root", 60), ("E", "D", 25),
                ("F", "D", 35), ("G", "root", 0)]  # fmt: skip
    users = [("User1", "B", 1, 20), ("User2", "C", 1, 25), ("User3", "C", 1, 0), ("User4", "E", 1, 25),
             ("User5", "F", 1, 0), ("User6", "G", 1, 30)]  # fmt: skip
    vertices = [ROOT, *(Vertex(key, parent, shares) for key, parent, shares in accounts)]
    vertices += [Vertex(key, parent, shares, usage, True) for key, parent, shares, usage in users]
    tree, parents = Tree(vertices), {vertex.key: vertex.parent for vertex in vertices}

    def effective(key: str) -> Fraction:
        """UE = UA + (UE of the parent - UA) x S / S of all siblings."""
        actual, above = tree.received(key), parents[key]
        if above == "root" or above is None:
            return actual
        return actual + (effective(above) - actual) * tree.norm_shares(key)

    def promised(key: str) -> Fraction:
        above = parents[key]
        return tree.norm_shares(key) * (promised(above) if above else 1)

    for user, factor in CLASSIC.items():
        assert f"{2 ** -float(effective(user) / promised(user)):.6f}" == factor
