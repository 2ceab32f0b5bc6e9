"""The key that signs this log, and its public half."""

from __future__ import annotations

from django.conf import settings

from common.keys import load_private_key
from ledger.domain.note import Signer, Verifier


def signer() -> Signer:
    """The log's key name is its origin, as c2sp.org/tlog-checkpoint recommends."""
    return Signer(settings.LEDGER_ORIGIN, load_private_key(settings.LEDGER_KEY_FILE))


def verifier() -> Verifier:
    return signer().verifier
