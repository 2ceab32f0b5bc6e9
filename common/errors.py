"""The one base class for "a rule said no". Each app grows its own tree from it."""

from __future__ import annotations


class DomainError(Exception):
    """Carries a sentence for a person, a code for a program and the numbers behind both.

    `code` is stable and documented in docs/api.md; `status` is the HTTP status.
    `field` names the form field or JSON member that was wrong, where one was.
    """

    code = "refused"
    status = 409

    def __init__(self, message: str, *, field: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.details = details
