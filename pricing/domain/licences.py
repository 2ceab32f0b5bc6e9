"""Which licences, as people write them, let anybody pass on what they cover."""

from __future__ import annotations

import re

_OPEN = re.compile(
    r"""
    \bcc[\s-]?0 | \bpublic[\s]domain | \bpddl
    | \bcc[\s-]by(?:[\s-]sa)?(?![\s-]?n[cd]|[\s-]sa[\s-]?n[cd])
    | \bodbl | \bodc[\s-]by
    | \blicence[\s]ouverte | \bopen[\s]licence | \blo[\s-]?[12]\b | \betalab
    | \bdl-de | \bogl\b | \bopen[\s]government[\s]licence | \bnlod | \biodl
    | \bmit\b | \bbsd\b | \bapache
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Either word anywhere forbids what the name before it may sound like.
_CLOSED = re.compile(
    r"\bn[cd]\b|non[\s-]?commercial|no[\s-]?deriv|\bnot\b|\bproprietary|all rights reserved", re.I
)


def may_be_passed_on(licence: str) -> bool:
    """Only where it is said: without a licence, or with one that is not known here, it may not."""
    return bool(_OPEN.search(licence)) and not _CLOSED.search(licence)
