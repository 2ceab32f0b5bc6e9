"""Every write to the ledger: append a fact, then sequence and sign what was appended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from common.ids import uuid7
from common.prepared import prepared
from ledger import files
from ledger.domain import checkpoint, jcs, kinds, merkle, note
from ledger.errors import EntryRefused, LogDisagrees
from ledger.models import Checkpoint, Entry, Subtree

# c2sp.org/tlog-tiles: an entry's length is written in 16 bits.
LONGEST_LEAF = 65_535
# Bounds the memory of one sweep; a longer queue takes several.
MOST_AT_ONCE = 20_000
# Any constant will do, as long as nothing else on this database locks it: "ledger" in ASCII.
SEQUENCER_LOCK = int.from_bytes(b"ledger")

# Every booking appends: by hand this costs a third of what the ORM's insert does.
_APPEND = """
INSERT INTO ledger_entry (uid, kind, leaf, leaf_hash, appended_at) VALUES (%s, %s, %s, %s, %s) RETURNING id
"""


def append(*, kind: str, body: Mapping[str, Any], at: datetime) -> Entry:
    """Enter a public fact, in the transaction of the change itself. It gets its index later."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("append() belongs in the transaction of the change")
    uid = uuid7()
    try:
        plain = {name: jcs.plain(value) for name, value in body.items()}
        kinds.validate(kind, plain)
        leaf = jcs.canonical(
            {
                "id": f"{settings.SITE_ORIGIN}/{uid}",
                "kind": kind,
                "version": kinds.VERSION,
                "appended_at": at,
                "body": plain,
            }
        )
    except (jcs.NotCanonical, kinds.Unfit) as exc:
        raise EntryRefused(
            _("The ledger does not take this entry: %(reason)s.") % {"reason": exc},
            field=getattr(exc, "member", ""),
            kind=kind,
        ) from exc
    if len(leaf) > LONGEST_LEAF:
        raise EntryRefused(
            _("The ledger does not take this entry: it has %(size)d bytes, and %(limit)d is the most.")
            % {"size": len(leaf), "limit": LONGEST_LEAF},
            kind=kind,
        )
    leaf_hash = merkle.leaf_hash(leaf)
    entry = Entry(uid=uid, kind=kind, leaf=leaf, leaf_hash=leaf_hash, appended_at=at)
    with prepared() as cursor:
        cursor.execute(_APPEND, [uid, kind, leaf, leaf_hash, at])
        (entry.pk,) = cursor.fetchone()
    entry._state.adding = False
    return entry


@transaction.atomic(durable=True)  # the lock must not outlive the sweep in a longer transaction
def sequence(*, at: datetime) -> Checkpoint | None:
    """Give the committed entries their indexes, in the order of their ids, and sign the new tree.

    An entry that commits after a later one was sequenced comes behind it: the index is the
    order, not the id. Answers None when there was nothing to do.
    """
    _lock_out_other_sequencers()
    last = Checkpoint.objects.order_by("-size").first()
    frontier = _frontier_after(last)
    leaves = _give_indexes(frontier.size)
    if not leaves and last is not None:
        return None
    completed = []
    for leaf in leaves:
        completed += frontier.append(merkle.leaf_hash(leaf))
    Subtree.objects.bulk_create(
        [Subtree(level=level, position=position, hash=value) for (level, position), value in completed]
    )
    return _sign(frontier, at=at)


def _lock_out_other_sequencers() -> None:
    """Wait for our turn; the lock goes with the transaction, after its rows can be seen."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEQUENCER_LOCK])


def _frontier_after(last: Checkpoint | None) -> merkle.Frontier:
    """The tree as it was signed last. Refuses when what is stored is not what was signed."""
    newest = Entry.objects.sequenced().order_by("-index").values_list("index", flat=True).first()
    size = 0 if newest is None else newest + 1
    if last is None:
        if size:
            raise LogDisagrees(
                _("%(size)d entries have an index, and no checkpoint covers them.") % {"size": size}
            )
        return merkle.Frontier()
    _require_signed(last)
    if size != last.size:
        raise LogDisagrees(
            _("The last checkpoint covers %(signed)d entries, and %(stored)d are stored.")
            % {"signed": last.size, "stored": size},
            signed=last.size,
            stored=size,
        )
    frontier = merkle.Frontier(last.size, [bytes(value) for value in last.frontier])
    if frontier.root != bytes(last.root):
        raise LogDisagrees(_("The stored edge of the tree does not give the root that was signed."))
    return frontier


def _require_signed(last: Checkpoint) -> None:
    """Our own last words, not the columns beside them, are what the world has seen."""
    try:
        signed, _keys = note.opened(last.note, [files.verifier()])
        head = checkpoint.parse(signed.text)
    except note.NoteRefused as exc:
        raise LogDisagrees(
            _("The last checkpoint was not signed with this log’s key: %(reason)s") % {"reason": exc}
        ) from exc
    if (head.origin, head.size, head.root) != (settings.LEDGER_ORIGIN, last.size, bytes(last.root)):
        raise LogDisagrees(_("The last checkpoint’s size or root differs from the note that was signed."))


def _give_indexes(first: int) -> list[bytes]:
    """Number the entries without an index, from `first` on; answer their leaves in that order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE ledger_entry AS entry SET index = numbered.index
            FROM (SELECT id, %s + row_number() OVER (ORDER BY id) - 1 AS index
                  FROM ledger_entry WHERE index IS NULL ORDER BY id LIMIT %s) AS numbered
            WHERE entry.id = numbered.id
            RETURNING entry.index, entry.leaf
            """,
            [first, MOST_AT_ONCE],
        )
        return [bytes(leaf) for _index, leaf in sorted(cursor.fetchall())]


def _sign(frontier: merkle.Frontier, *, at: datetime) -> Checkpoint:
    head = checkpoint.TreeHead(settings.LEDGER_ORIGIN, frontier.size, frontier.root)
    return Checkpoint.objects.create(
        size=head.size,
        root=head.root,
        note=str(note.sign(head.text, files.signer())),
        frontier=frontier.hashes,
        signed_at=at,
    )


@transaction.atomic
def declare_key(*, purpose: str, public_key: bytes, at: datetime) -> Entry | None:
    """Enter a public key of this site, unless it is the newest one entered for that purpose."""
    encoded = note.encode_base64(public_key)
    for entry in Entry.objects.filter(kind="key").order_by("-id"):
        body = entry.fact["body"]
        if body["purpose"] == purpose:
            if body["public_key"] == encoded:
                return None
            break
    return append(kind="key", body={"purpose": purpose, "action": "added", "public_key": encoded}, at=at)
