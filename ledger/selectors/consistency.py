"""The proof that one tree of the log is the beginning of another."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from ledger import files
from ledger.domain.note import encode_base64
from ledger.errors import ConsistencyRefused
from ledger.models import Checkpoint
from ledger.selectors.pages import latest_checkpoint
from ledger.selectors.proofs import consistency_proof


@dataclass(frozen=True)
class Consistency:
    """What an auditor who kept the checkpoint of `old` entries needs to check that of `new`."""

    origin: str
    vkey: str
    old: int
    new: int
    proof: list[str]  # base64, in the order of RFC 9162, section 2.1.4
    checkpoint: str | None  # the signed note of `new` entries, where that size was signed


def consistency(*, old: int, new: int | None) -> Consistency:
    """From the first `old` entries to the first `new`; without `new`, to all that are signed."""
    signed = latest_checkpoint()
    size = 0 if signed is None else signed.size
    new = size if new is None else new
    if not 0 < old <= new <= size:
        raise ConsistencyRefused(
            _(
                "The log has %(size)d signed entries: ask from 1 or more, to as many or more,"
                " and to %(size)d at most."
            )
            % {"size": size},
            field="from" if not 0 < old <= size else "to",
            size=size,
        )
    note = Checkpoint.objects.filter(size=new).values_list("note", flat=True).first()
    return Consistency(
        origin=settings.LEDGER_ORIGIN,
        vkey=files.verifier().vkey,
        old=old,
        new=new,
        proof=[encode_base64(value) for value in consistency_proof(old=old, new=new)],
        checkpoint=note,
    )
