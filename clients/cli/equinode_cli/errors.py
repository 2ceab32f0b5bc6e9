"""What can go wrong, as whole sentences, and the exit code that tells it to a program.

CliError             1
├── Refused          1   the site said no: a rule, a right, a state; carries its problem document
├── Misused          2   what was typed, or a member that the site cannot read
├── NotSignedIn      3   no token, or one that is not good for this
├── NotFound         4   nothing there, or not yours to see
├── SiteAway         5   no usable answer, however often it was asked
├── JobFailed        6   the job ended without an exit code of its own
└── FileTrouble      7   a file could not be kept as it was sent
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class CliError(Exception):
    exit_code = 1
    code = "failed"

    def __init__(
        self, message: str, *, problem: Mapping[str, Any] | None = None, below: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.message, self.below = message, below
        self._problem = problem

    @property
    def problem(self) -> dict[str, Any]:
        """The site's own document (RFC 9457), or one in its form for what was found here."""
        return dict(self._problem or {"code": self.code, "detail": self.message})


class Refused(CliError):
    code = "refused"


class Misused(CliError):
    exit_code, code = 2, "misused"


class NotSignedIn(CliError):
    exit_code, code = 3, "not_signed_in"


class NotFound(CliError):
    exit_code, code = 4, "not_found"


class SiteAway(CliError):
    exit_code, code = 5, "site_away"


class JobFailed(CliError):
    exit_code, code = 6, "job_failed"


class FileTrouble(CliError):
    exit_code, code = 7, "file_trouble"
