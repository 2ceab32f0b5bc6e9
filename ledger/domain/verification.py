"""Checking Merkle proofs by RFC 9162, sections 2.1.3.2 and 2.1.4.2. Shares no step with merkle.py."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH_SIZE = 32


class ProofRefused(ValueError):
    """The proof does not lead to the root."""


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _require_hashes(*hashes: bytes) -> None:
    if any(len(value) != HASH_SIZE for value in hashes):
        raise ProofRefused("A hash has 32 bytes.")


def verify_inclusion(*, leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofRefused unless the leaf stands at `index` in the tree of that size and root."""
    _require_hashes(leaf_hash, root, *proof)
    if not 0 <= index < size:
        raise ProofRefused(f"A tree of {size} has no leaf {index}.")
    fn, sn, r = index, size - 1, leaf_hash  # the names of the RFC
    for p in proof:
        if sn == 0:
            raise ProofRefused("The proof is too long.")
        if fn & 1 or fn == sn:
            r = _join(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = _join(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofRefused("The proof is too short.")
    if r != root:
        raise ProofRefused("The proof leads to another root.")


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise ProofRefused unless the new tree begins with the whole old one."""
    _require_hashes(old_root, new_root, *proof)
    if not 0 < old_size <= new_size:
        raise ProofRefused(f"A tree of {new_size} does not begin with one of {old_size}.")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ProofRefused("Two trees of one size have one root and an empty proof.")
        return
    if not proof:
        raise ProofRefused("The proof is empty.")
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    fr, sr = _climb(old_size - 1, new_size - 1, path)
    if fr != old_root:
        raise ProofRefused("The proof leads to another old root.")
    if sr != new_root:
        raise ProofRefused("The proof leads to another new root.")


def _climb(fn: int, sn: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Steps 3 to 5 of RFC 9162, section 2.1.4.2: both roots that the path leads to."""
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            raise ProofRefused("The proof is too long.")
        if fn & 1 or fn == sn:
            fr, sr = _join(c, fr), _join(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = _join(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofRefused("The proof is too short.")
    return fr, sr
