"""Whether what is stored gives, from its first byte, every root that was ever signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest

from django.conf import settings
from django.db.models import F, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from ledger import files
from ledger.domain import checkpoint, jcs, merkle, note
from ledger.models import Checkpoint, Entry, Subtree

AT_ONCE = 2_000  # rows held in memory
# How many entries a tree has when this subtree of it is complete.
_END = (F("position") + 1).bitleftshift(F("level"))  # type: ignore[arg-type]  # the stubs know numbers only


def differences() -> Iterator[str]:
    """One sentence for each thing that does not fit; nothing when the ledger is whole.

    What is sequenced while this runs belongs to the next check.
    """
    sizes = list(Checkpoint.objects.order_by("size").values_list("size", flat=True))
    size = sizes[-1] if sizes else 0
    frontier = merkle.Frontier()
    signed = Checkpoint.objects.filter(size__lte=size).order_by("size").iterator(AT_ONCE)
    stored = _stored_subtrees(size)
    due = next(signed, None)
    if due is not None and due.size == 0:
        yield from _of_checkpoint(due, frontier)
        due = next(signed, None)
    for entry in Entry.objects.filter(index__lt=size).order_by("index").iterator(AT_ONCE):
        yield from _of_entry(entry, expected_index=frontier.size)
        for completed in frontier.append(merkle.leaf_hash(bytes(entry.leaf))):
            if next(stored, None) != completed:
                (level, position), _hash = completed
                yield _("Subtree %(level)d/%(position)d is not stored, or differs.") % {
                    "level": level,
                    "position": position,
                }
        if due is not None and due.size == frontier.size:
            yield from _of_checkpoint(due, frontier)
            due = next(signed, None)
    yield from _of_what_is_left(due, frontier)
    if next(stored, None) is not None or _subtrees_ahead().exists():
        yield _("There are subtrees that no entry explains.")


def _stored_subtrees(size: int) -> Iterator[tuple[merkle.Subtree, bytes]]:
    """In the order in which the growing tree completes them."""
    rows = Subtree.objects.annotate(end=_END).filter(end__lte=size).order_by("end", "level")
    for level, position, value in rows.values_list("level", "position", "hash").iterator(AT_ONCE):
        yield (level, position), bytes(value)


def _subtrees_ahead() -> QuerySet[Subtree]:
    """Those of a tree larger than any that was signed: in the sequencer's way once it has grown so far."""
    return Subtree.objects.annotate(end=_END).exclude(end__lte=Coalesce(Subquery(_covered()), 0))


def _covered() -> QuerySet[Checkpoint, int]:
    return Checkpoint.objects.order_by("-size").values_list("size", flat=True)[:1]


def _of_entry(entry: Entry, *, expected_index: int) -> Iterator[str]:
    name = _("Entry %(index)d") % {"index": entry.index or 0}
    if entry.index != expected_index:
        yield _("%(entry)s stands where entry %(expected)d should.") % {
            "entry": name,
            "expected": expected_index,
        }
    leaf = bytes(entry.leaf)
    if merkle.leaf_hash(leaf) != bytes(entry.leaf_hash):
        yield _("%(entry)s: the stored hash is not that of its bytes.") % {"entry": name}
    try:
        fact = json.loads(leaf)
        is_canonical = jcs.canonical(fact) == leaf
    except ValueError:
        yield _("%(entry)s is not canonical JSON.") % {"entry": name}
        return
    if not is_canonical:
        yield _("%(entry)s is not canonical JSON.") % {"entry": name}
    columns = (entry.kind, str(entry.uid), jcs.moment(entry.appended_at))
    if (fact.get("kind"), fact.get("id", "").rpartition("/")[2], fact.get("appended_at")) != columns:
        yield _("%(entry)s: its columns differ from its bytes.") % {"entry": name}


def _of_checkpoint(signed: Checkpoint, frontier: merkle.Frontier) -> Iterator[str]:
    name = _("The checkpoint over %(size)d entries") % {"size": signed.size}
    if frontier.root != bytes(signed.root):
        yield _("%(checkpoint)s: the entries give another root.") % {"checkpoint": name}
    pairs = zip_longest(frontier.hashes, signed.frontier, fillvalue=b"")
    if any(ours != bytes(theirs) for ours, theirs in pairs):
        yield _("%(checkpoint)s: its stored edge differs.") % {"checkpoint": name}
    try:
        opened, _keys = note.opened(signed.note, [files.verifier()])
        head = checkpoint.parse(opened.text)
    except note.NoteRefused as exc:
        yield f"{name}: {exc}"
        return
    if (head.origin, head.size, head.root) != (settings.LEDGER_ORIGIN, frontier.size, frontier.root):
        yield _("%(checkpoint)s: what was signed differs from the entries.") % {"checkpoint": name}


def _of_what_is_left(due: Checkpoint | None, frontier: merkle.Frontier) -> Iterator[str]:
    if due is not None:
        yield _("A checkpoint covers %(signed)d entries; %(stored)d are stored.") % {
            "signed": due.size,
            "stored": frontier.size,
        }
    # One statement: entries get their indexes and their checkpoint in one transaction.
    uncovered = Entry.objects.sequenced().exclude(index__lt=Coalesce(Subquery(_covered()), 0)).count()
    if uncovered:
        yield _("Entries with an index and under no checkpoint: %(count)d.") % {"count": uncovered}
