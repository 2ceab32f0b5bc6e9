"""Hashing and proofs: every proof of every tree to 70 leaves, and the published vectors."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

import pytest

from ledger.domain import merkle
from ledger.domain.verification import ProofRefused, verify_consistency, verify_inclusion
from tests.ledger.conftest import vector_lines

LARGEST = 70

# The tree of RFC 6962's reference vectors: transparency-dev/merkle testonly/constants.go.
LEAVES = [
    bytes.fromhex(value)
    for value in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
    )
]  # fmt: skip
ROOTS = [
    ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ""),
    ("6e340b9c", "a01d"), ("fac54203", "c125"), ("aeb6bcfe", "6e77"), ("d37ee418", "14b7"),
    ("4e3bbb1f", "64d4"), ("76e67dad", "87ef"), ("ddb89be4", "4c8c"), ("5dc9da79", "4328"),
]  # fmt: skip
CA85 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
D37E = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"


def hashes_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(b"leaf %d" % index) for index in range(size)]


@cache
def subtrees(size: int) -> dict[merkle.Subtree, bytes]:
    frontier, stored = merkle.Frontier(), {}
    for index, value in enumerate(hashes_of(size)):
        stored[0, index] = value
        stored.update(frontier.append(value))
    return stored


def proof(spans: list[merkle.Span], size: int) -> list[bytes]:
    return [merkle.hash_of(span, subtrees(size).__getitem__) for span in spans]


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_the_published_roots(size: int) -> None:
    first, last = ROOTS[size]
    root = merkle.root_of([merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]).hex()
    assert root.startswith(first)
    assert root.endswith(last)


def test_the_published_inclusion_and_consistency_proofs() -> None:
    frontier, stored = merkle.Frontier(), {}
    for index, leaf in enumerate(LEAVES):
        stored[0, index] = merkle.leaf_hash(leaf)
        stored.update(frontier.append(stored[0, index]))
    inclusion = [merkle.hash_of(span, stored.__getitem__).hex() for span in merkle.inclusion_spans(5, 8)]
    assert inclusion == ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", CA85, D37E]
    consistency = [merkle.hash_of(span, stored.__getitem__).hex() for span in merkle.consistency_spans(6, 8)]
    assert consistency == ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", CA85, D37E]


def test_the_seven_leaf_example_of_the_rfc() -> None:
    # RFC 6962, section 2.1.3: a..f and j are leaves, g h i k l the nodes above them.
    names = {
        "a": (0, 1), "b": (1, 2), "c": (2, 3), "d": (3, 4), "e": (4, 5), "f": (5, 6), "j": (6, 7),
        "g": (0, 2), "h": (2, 4), "i": (4, 6), "k": (0, 4), "l": (4, 7),
    }  # fmt: skip
    assert merkle.inclusion_spans(0, 7) == [names[name] for name in ("b", "h", "l")]
    assert merkle.inclusion_spans(3, 7) == [names[name] for name in ("c", "g", "l")]
    assert merkle.inclusion_spans(4, 7) == [names[name] for name in ("f", "j", "k")]
    assert merkle.inclusion_spans(6, 7) == [names[name] for name in ("i", "k")]
    assert merkle.consistency_spans(3, 7) == [names[name] for name in ("c", "d", "g", "l")]
    assert merkle.consistency_spans(4, 7) == [names["l"]]
    assert merkle.consistency_spans(6, 7) == [names[name] for name in ("i", "j", "k")]


def test_the_frontier_has_the_root_of_every_size() -> None:
    frontier = merkle.Frontier()
    leaf_hashes = hashes_of(LARGEST)
    for size in range(LARGEST + 1):
        assert frontier.root == merkle.root_of(leaf_hashes[:size])
        assert frontier.size == size
        if size < LARGEST:
            frontier.append(leaf_hashes[size])


def test_a_frontier_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="3 subtrees"):
        merkle.Frontier(7, [b"x" * 32] * 2)


def test_every_completed_subtree_is_the_root_of_its_leaves() -> None:
    leaf_hashes = hashes_of(LARGEST)
    stored = subtrees(LARGEST)
    assert len(stored) == LARGEST + sum(LARGEST >> level for level in range(1, 7))
    for (level, position), value in stored.items():
        assert value == merkle.root_of(leaf_hashes[position << level : (position + 1) << level])


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_inclusion_proof_verifies_and_no_other_index_does(size: int) -> None:
    leaf_hashes = hashes_of(size)
    root = merkle.root_of(leaf_hashes)
    for index in range(size):
        path = proof(merkle.inclusion_spans(index, size), size)
        verify_inclusion(leaf_hash=leaf_hashes[index], index=index, size=size, proof=path, root=root)
        for other in {(index + 1) % size, (index - 1) % size, index ^ 2} - {index}:
            with pytest.raises(ProofRefused):
                verify_inclusion(leaf_hash=leaf_hashes[index], index=other, size=size, proof=path, root=root)


@pytest.mark.parametrize("new", range(1, LARGEST + 1))
def test_every_consistency_proof_verifies_and_a_changed_one_does_not(new: int) -> None:
    leaf_hashes = hashes_of(new)
    new_root = merkle.root_of(leaf_hashes)
    for old in range(1, new + 1):
        path = proof(merkle.consistency_spans(old, new), new)
        known = {
            "old_size": old,
            "new_size": new,
            "old_root": merkle.root_of(leaf_hashes[:old]),
            "new_root": new_root,
        }
        verify_consistency(proof=path, **known)
        for changed in ([*path, path[-1]], path[:-1], [bytes(32), *path[1:]]) if path else ():
            with pytest.raises(ProofRefused):
                verify_consistency(proof=changed, **known)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 5), (5, 5)])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_spans(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5)])
def test_there_is_no_consistency_proof_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no consistent tree"):
        merkle.consistency_spans(old, new)


def _bytes(value: str | None) -> bytes:
    return base64.b64decode(value or "")


def test_the_published_inclusion_cases_with_their_refusals() -> None:
    cases = vector_lines("merkle_inclusion.jsonl")
    assert {case["wantErr"] for case in cases} == {True, False}
    for case in cases:
        arguments = {
            "leaf_hash": _bytes(case["leafHash"]), "index": case["leafIdx"], "size": case["treeSize"],
            "proof": [_bytes(item) for item in case["proof"] or []], "root": _bytes(case["root"]),
        }  # fmt: skip
        if case["wantErr"]:
            with pytest.raises(ProofRefused):
                verify_inclusion(**arguments)
        else:
            verify_inclusion(**arguments)


def test_the_published_consistency_cases_with_their_refusals() -> None:
    cases = vector_lines("merkle_consistency.jsonl")
    assert {case["wantErr"] for case in cases} == {True, False}
    for case in cases:
        # Some stand for a root with a few words; here a root has 32 bytes or is refused.
        roots = [_bytes(case[name]) for name in ("root1", "root2")]
        if case["case"].startswith("consistency/additional/"):
            roots = [root if len(root) == 32 else hashlib.sha256(root).digest() for root in roots]
        arguments = {
            "old_size": case["size1"], "new_size": case["size2"], "old_root": roots[0], "new_root": roots[1],
            "proof": [_bytes(item) for item in case["proof"] or []],
        }  # fmt: skip
        if case["wantErr"]:
            with pytest.raises(ProofRefused):
                verify_consistency(**arguments)
        else:
            verify_consistency(**arguments)


def test_real_rekor_proofs_verify_and_fail_for_the_leaf_beside() -> None:
    proofs = vector_lines("rekor_inclusion_proofs.jsonl")
    assert proofs
    for case in proofs:
        arguments = {
            "index": int(case["log_index"]), "size": int(case["tree_size"]),
            "proof": [_bytes(item) for item in case["proof_b64"]], "root": _bytes(case["root_b64"]),
        }  # fmt: skip
        leaf = hashlib.sha256(b"\x00" + base64.b64decode(case["leaf_body_b64"])).digest()
        verify_inclusion(leaf_hash=leaf, **arguments)
        with pytest.raises(ProofRefused):
            verify_inclusion(leaf_hash=leaf, **{**arguments, "index": arguments["index"] ^ 1})
