"""Merkle proofs from the hashes that the sequencer stored: few rows, however long the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q

from ledger.domain import merkle
from ledger.models import Entry, Subtree


def _hashes_of(spans: Sequence[merkle.Span]) -> list[bytes]:
    """The hashes of these spans, in at most two queries."""
    wanted = merkle.subtrees_of(spans)
    known = _stored(wanted)
    return [merkle.hash_of(span, known.__getitem__) for span in spans]


def _stored(wanted: Iterable[merkle.Subtree]) -> dict[merkle.Subtree, bytes]:
    leaves = [position for level, position in wanted if level == 0]
    above = Q(pk__in=[])
    for level, position in wanted:
        if level:
            above |= Q(level=level, position=position)
    known = {
        (0, index): bytes(value)
        for index, value in Entry.objects.filter(index__in=leaves).values_list("index", "leaf_hash")
        if index is not None
    }
    rows = Subtree.objects.filter(above).values_list("level", "position", "hash")
    return known | {(level, position): bytes(value) for level, position, value in rows}


def inclusion_proof(*, index: int, size: int) -> list[bytes]:
    return _hashes_of(merkle.inclusion_spans(index, size))


def consistency_proof(*, old: int, new: int) -> list[bytes]:
    return _hashes_of(merkle.consistency_spans(old, new))
