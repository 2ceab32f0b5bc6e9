"""What the ledger's pages show: entries newest first, one entry with its proof, the last checkpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from common.formats import digest as short
from ledger import files, wording
from ledger.domain.merkle import inclusion_spans
from ledger.domain.note import encode_base64
from ledger.errors import EntryNotSequenced
from ledger.models import Checkpoint, Entry
from ledger.selectors.proofs import inclusion_proof

PER_PAGE = 25


def latest_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-size").first()


@dataclass(frozen=True)
class CheckpointState:
    size: int
    root: str  # base64, as in the note
    signed_at: datetime
    note: str


@dataclass(frozen=True)
class EntryLine:
    index: int
    kind: str
    label: str
    summary: str
    id: str
    appended_at: datetime
    leaf_hash: str  # base64
    short_hash: str
    url: str


@dataclass(frozen=True)
class KindChoice:
    kind: str  # empty: all
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class LedgerPage:
    origin: str
    vkey: str
    checkpoint: CheckpointState | None
    kinds: list[KindChoice]
    kind: str
    entries: list[EntryLine]
    older: int | None  # show the entries before this index
    is_newest: bool


@dataclass(frozen=True)
class ProofStep:
    """One hash on the way from the leaf to the root, and on which side of the sum it goes."""

    hash: str  # base64
    is_left: bool


@dataclass(frozen=True)
class EntryPage:
    line: EntryLine
    origin: str
    vkey: str
    leaf: str  # the bytes that are hashed, as text
    readable: str
    checkpoint: CheckpointState
    proof: list[ProofStep]  # from the leaf up
    earlier: int | None
    later: int | None


def _checkpoint_state(signed: Checkpoint) -> CheckpointState:
    return CheckpointState(signed.size, encode_base64(bytes(signed.root)), signed.signed_at, signed.note)


def line_of(entry: Entry) -> EntryLine:
    assert entry.index is not None  # only sequenced entries are shown
    fact, digest = entry.fact, bytes(entry.leaf_hash)
    return EntryLine(
        index=entry.index,
        kind=entry.kind,
        label=wording.label(entry.kind),
        summary=wording.summary(fact),
        id=fact["id"],
        appended_at=entry.appended_at,
        leaf_hash=encode_base64(digest),
        short_hash=short(digest),
        url=entry.get_absolute_url(),
    )


def _choices(chosen: str) -> list[KindChoice]:
    return [
        KindChoice("", _("All"), not chosen),
        *(KindChoice(kind, str(label), kind == chosen) for kind, label in wording.LABELS.items()),
    ]


def ledger_page(*, kind: str = "", before: int | None = None) -> LedgerPage:
    """Newest first, by index: an address shows the same entries however long the log grows."""
    signed = latest_checkpoint()
    kind = kind if kind in wording.LABELS else ""
    entries = Entry.objects.sequenced().newest_first()
    if kind:
        entries = entries.filter(kind=kind)
    if before is not None:
        entries = entries.filter(index__lt=before)
    lines = [line_of(entry) for entry in entries[: PER_PAGE + 1]]
    has_older = len(lines) > PER_PAGE
    return LedgerPage(
        origin=settings.LEDGER_ORIGIN,
        vkey=files.verifier().vkey,
        checkpoint=None if signed is None else _checkpoint_state(signed),
        kinds=_choices(kind),
        kind=kind,
        entries=lines[:PER_PAGE],
        older=lines[PER_PAGE - 1].index if has_older else None,
        is_newest=before is None,
    )


def _proof(index: int, size: int) -> list[ProofStep]:
    spans = inclusion_spans(index, size)
    hashes = inclusion_proof(index=index, size=size)
    return [
        ProofStep(encode_base64(value), is_left=end <= index)
        for (_start, end), value in zip(spans, hashes, strict=True)
    ]


def entry_page(*, index: int) -> EntryPage:
    """An entry with its proof against the latest checkpoint. Raises EntryNotSequenced."""
    signed = latest_checkpoint()
    entry = Entry.objects.filter(index=index).first()
    if signed is None or entry is None or index >= signed.size:
        raise EntryNotSequenced(_("The ledger has no entry %(index)d.") % {"index": index})
    leaf = bytes(entry.leaf).decode()
    return EntryPage(
        line=line_of(entry),
        origin=settings.LEDGER_ORIGIN,
        vkey=files.verifier().vkey,
        leaf=leaf,
        readable=json.dumps(entry.fact, indent=2, ensure_ascii=False),
        checkpoint=_checkpoint_state(signed),
        proof=_proof(index, signed.size),
        earlier=index - 1 if index else None,
        later=index + 1 if index + 1 < signed.size else None,
    )
