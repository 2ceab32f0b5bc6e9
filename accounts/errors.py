"""Why accounts refuses.

DomainError
└── AccountError
    └── SlugTaken    an organisation or a project of that address exists
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from common.errors import DomainError


class AccountError(DomainError):
    code = "account"


class SlugTaken(AccountError):
    code = "slug_taken"

    @classmethod
    def by(cls, slug: str) -> SlugTaken:
        message = _("The address “%(slug)s” is taken. Choose another one.") % {"slug": slug}
        return cls(message, field="slug", slug=slug)
