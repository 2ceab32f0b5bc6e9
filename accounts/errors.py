"""Why accounts refuses.

DomainError
└── AccountError
    └── SlugTaken    an organisation or a project of that address exists
"""

from __future__ import annotations

from common.errors import DomainError


class AccountError(DomainError):
    code = "account"


class SlugTaken(AccountError):
    code = "slug_taken"
