"""What pages read about people, organisations and projects."""

from __future__ import annotations

from accounts.selectors.memberships import Membership, Memberships, memberships
from accounts.selectors.pseudonyms import PSEUDONYM_DIGITS, pseudonym, public_name, public_names

__all__ = [
    "PSEUDONYM_DIGITS",
    "Membership",
    "Memberships",
    "memberships",
    "pseudonym",
    "public_name",
    "public_names",
]
