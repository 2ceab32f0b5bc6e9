"""What a job prints and brings back, taken in while its lease lives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.core.files.base import File
from django.db import transaction
from django.db.models import Count, Max, Sum
from django.utils.translation import gettext as _, ngettext

from common.ids import uuid7
from nodes.domain import output
from nodes.errors import BodyInvalid, FileTooLarge, FileUnknown, LeaseUnknown
from nodes.models import Lease, LogChunk, OutputFile
from nodes.services import wake
from nodes.services.leases import locked, require_live, require_own

# docs/agent-protocol.md, "log" and "files".
MOST_LOG_BYTES = 10_000_000  # a lease
LARGEST_FILE = 1024**3
MOST_FILES = 1000  # a lease
MOST_FILE_BYTES = 4 * 1024**3  # a lease
PIECE = 1024 * 1024


@dataclass(frozen=True)
class Printed:
    seq: int
    text: str
    ago: float = 0.0


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


# --- log ---------------------------------------------------------------------------------
@transaction.atomic
def append_log(*, node_id: int, lease_uid: UUID, fence: int, chunks: Sequence[Printed], at: datetime) -> int:
    """Add what the job printed, each numbered piece once and in order; answer the number awaited next."""
    lease = locked(node_id, lease_uid, fence)
    awaited = (lease.log.aggregate(last=Max("seq"))["last"] or 0) + 1
    fresh = sorted((chunk for chunk in chunks if chunk.seq >= awaited), key=lambda chunk: chunk.seq)
    if not fresh:
        return awaited
    require_live(lease)
    if lease.log_truncated:
        return fresh[-1].seq + 1  # taken and dropped: the agent need not send it again
    rows, size, is_cut = _fitting(lease, fresh, awaited, at)
    LogChunk.objects.bulk_create(rows)
    Lease.objects.filter(pk=lease.pk).update(log_bytes=size, log_truncated=is_cut)
    for row in rows:
        wake.announce(lease.reference, {"type": "log", "seq": row.seq, "text": row.text})
    return fresh[-1].seq + 1 if is_cut else awaited + len(rows)


def _fitting(
    lease: Lease, fresh: Sequence[Printed], awaited: int, at: datetime
) -> tuple[list[LogChunk], int, bool]:
    """The rows that follow without a gap and fit, the log's size with them, and whether it was cut."""
    limit = min(MOST_LOG_BYTES, lease.specification.get("limits", {}).get("log_bytes") or MOST_LOG_BYTES)
    rows: list[LogChunk] = []
    size = lease.log_bytes
    for chunk in fresh:
        if chunk.seq != awaited + len(rows):
            break  # a gap: the answer says from where to send again
        text = output.neutralise(chunk.text)
        kept = output.cut(text, limit - size)
        size += len(kept.encode())
        rows.append(LogChunk(lease=lease, seq=chunk.seq, at=at - timedelta(seconds=chunk.ago), text=kept))
        if kept != text:
            return rows, size, True
    return rows, size, False


# --- files -------------------------------------------------------------------------------
class Incoming(File):  # type: ignore[type-arg]
    """The body of a request as storage wants to read it: in pieces, counted and digested on the way."""

    def __init__(self, body: Readable, size: int) -> None:
        super().__init__(None, name="incoming")
        self.body = body
        self.size = size
        self.received = 0
        self.digest = hashlib.sha256()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        while piece := self.body.read(min(PIECE, self.size - self.received + 1)):
            self.received += len(piece)
            if self.received > self.size:
                return  # longer than announced: found out below
            self.digest.update(piece)
            yield piece


def store_file(
    *,
    node_id: int,
    lease_uid: UUID,
    fence: int,
    name: str,
    size: int,
    sha256: str,
    body: Readable,
    at: datetime,
) -> OutputFile:
    """Keep a file the job brought back, if its bytes are the ones that were signed for.

    Nothing is locked while bytes arrive; the fence is looked at before and again after.
    """
    name = _require_name(name)
    with transaction.atomic():
        lease = locked(node_id, lease_uid, fence)
        if (known := _known(lease, name, sha256)) is not None:
            return known
        require_live(lease)
        _require_room(lease, size)
    field = OutputFile._meta.get_field("content")
    # Nothing of the sender's in the name it is kept under: it can neither collide nor be run.
    kept_as = field.generate_filename(OutputFile(), f"{uuid7().hex}.bin")
    file = None
    try:
        kept_as = field.storage.save(kept_as, incoming := Incoming(body, size))
        if incoming.received != size or incoming.digest.hexdigest() != sha256:
            raise BodyInvalid(_("The file is not the one that was announced: size or digest differ."))
        file = _enter(node_id, lease_uid, fence, name, size, sha256, kept_as, at)
        return file
    finally:
        # Refused, cut off, or delivered twice at once: what arrived here is nobody's.
        if file is None or file.content.name != kept_as:
            field.storage.delete(kept_as)


@transaction.atomic
def _enter(
    node_id: int, lease_uid: UUID, fence: int, name: str, size: int, sha256: str, kept_as: str, at: datetime
) -> OutputFile:
    lease = locked(node_id, lease_uid, fence)
    if (known := _known(lease, name, sha256)) is not None:
        return known
    require_live(lease)
    _require_room(lease, size)
    file = OutputFile.objects.create(
        lease=lease, name=name, size=size, sha256=sha256, content=kept_as, received_at=at
    )
    wake.announce(lease.reference, {"type": "file", "name": name, "size": size})
    return file


def resumed_file(*, node_id: int, lease_uid: UUID, fence: int, name: str) -> OutputFile:
    """One of the files that this lease’s job goes on from, left by the attempt before it."""
    lease = Lease.objects.filter(uid=lease_uid, node_id=node_id).first()
    if lease is None:
        raise LeaseUnknown(_("This node has no such lease."))
    require_own(lease, fence)
    require_live(lease)
    resumed = lease.specification.get("resume") or {"lease": None, "files": []}
    named = {file["name"]: file["sha256"] for file in resumed["files"]}
    found = OutputFile.objects.filter(
        lease__uid=resumed["lease"], name=name, sha256=named.get(name, "")
    ).first()
    if found is None:
        raise FileUnknown(_("The job does not go on from a file of this name, or it was deleted."))
    return found


def _require_name(name: str) -> str:
    try:
        return output.safe_name(name)
    except output.UnsafeName as exc:
        raise BodyInvalid(
            _("“%(name)s” is not a name for a file: a relative path of plain characters is.")
            % {"name": output.neutralise(name)[:100]},
            field="name",
        ) from exc


def _known(lease: Lease, name: str, sha256: str) -> OutputFile | None:
    file = lease.files.filter(name=name).first()
    if file is not None and file.sha256 != sha256:
        raise BodyInvalid(_("“%(name)s” was delivered before, with other contents.") % {"name": name})
    return file


def _require_room(lease: Lease, size: int) -> None:
    largest = min(LARGEST_FILE, lease.specification.get("limits", {}).get("file_bytes") or LARGEST_FILE)
    if size > largest:
        raise FileTooLarge(
            ngettext(
                "A file of this job may have %(limit)d byte at most.",
                "A file of this job may have %(limit)d bytes at most.",
                largest,
            )
            % {"limit": largest},
            limit=largest,
        )
    kept = lease.files.aggregate(number=Count("pk"), size=Sum("size"))
    if kept["number"] >= MOST_FILES or (kept["size"] or 0) + size > MOST_FILE_BYTES:
        raise FileTooLarge(
            _("This job has brought back as much as it may: %(files)d files, %(limit)d bytes in all.")
            % {"files": MOST_FILES, "limit": MOST_FILE_BYTES},
            limit=MOST_FILE_BYTES,
        )
