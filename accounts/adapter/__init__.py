"""What this site adds to allauth, where allauth asks for it."""

from __future__ import annotations

from accounts.adapter.account import AccountAdapter
from accounts.adapter.mfa import MfaAdapter
from accounts.adapter.social import SocialAdapter

__all__ = ["AccountAdapter", "MfaAdapter", "SocialAdapter"]
