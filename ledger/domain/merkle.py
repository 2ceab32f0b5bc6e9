"""Merkle tree hashing and proof making (RFC 6962 section 2.1). Verifying is in verification.py.

A complete subtree is named (level, position): its leaves are `position << level` up to
`(position + 1) << level`. A span [start, end) is any run of leaves that the RFC's recursion
meets; it falls apart into complete subtrees, so every proof is made from stored ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce

EMPTY_ROOT = hashlib.sha256(b"").digest()

Subtree = tuple[int, int]  # level, position
Span = tuple[int, int]  # start included, end excluded
Lookup = Callable[[Subtree], bytes]


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """MTH of the RFC, by its own recursion: slow, and what everything else is tested against."""
    if not leaf_hashes:
        return EMPTY_ROOT
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    k = split(len(leaf_hashes))
    return node_hash(root_of(leaf_hashes[:k]), root_of(leaf_hashes[k:]))


def fold(hashes: Iterable[bytes]) -> bytes:
    """The root over complete subtrees that lie left to right, growing smaller."""
    from_right = list(hashes)[::-1]
    return reduce(lambda right, left: node_hash(left, right), from_right) if from_right else EMPTY_ROOT


@dataclass
class Frontier:
    """The right edge of a tree: the hashes of its maximal complete subtrees, left to right."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.hashes) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} has {self.size.bit_count()} subtrees at its edge")

    @property
    def root(self) -> bytes:
        return fold(self.hashes)

    def append(self, hash_of_leaf: bytes) -> list[tuple[Subtree, bytes]]:
        """Add a leaf; answer the subtrees, above the leaf itself, that it completed."""
        completed: list[tuple[Subtree, bytes]] = []
        current, level = hash_of_leaf, 0
        while self.size >> level & 1:
            current, level = node_hash(self.hashes.pop(), current), level + 1
            completed.append(((level, self.size >> level), current))
        self.hashes.append(current)
        self.size += 1
        return completed


def complete_subtrees(span: Span) -> Iterator[Subtree]:
    """The complete subtrees that make up a span of the RFC's recursion, left to right."""
    start, end = span
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def inclusion_spans(index: int, size: int) -> list[Span]:
    """PATH(index, D[size]): the sibling spans, from the leaf up to the root."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """PROOF(old, D[new]): the spans that rebuild both roots."""
    if not 0 < old <= new:
        raise ValueError(f"a tree of {new} holds no consistent tree of {old}")
    spans: list[Span] = []
    start, end, is_left_edge = 0, new, True
    while end != old:
        middle = start + split(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start, is_left_edge = middle, False
    if not is_left_edge:
        spans.append((start, end))
    return spans[::-1]


def hash_of(span: Span, lookup: Lookup) -> bytes:
    """MTH(D[start:end]), from the hashes of complete subtrees."""
    return fold(lookup(subtree) for subtree in complete_subtrees(span))


def subtrees_of(spans: Iterable[Span]) -> list[Subtree]:
    """Everything that `hash_of` will look up for these spans: fetch it at once."""
    return [subtree for span in spans for subtree in complete_subtrees(span)]
