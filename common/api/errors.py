"""What an endpoint refuses before any service is asked.

DomainError
 +-- ScopeMissing          403 scope_missing         the token may not do that
 +-- CsrfFailed            403 csrf_failed           a session's write without the page's proof
 +-- TooManyCalls          429 too_many_calls
 +-- CursorInvalid         400 cursor_invalid        of another list, or not made here
 +-- PreconditionFailed    412 precondition_failed   it has changed since it was read
ValidationError
 +-- ParametersInvalid     400 parameters_invalid
"""

from __future__ import annotations

from rest_framework.exceptions import ValidationError

from common.errors import DomainError


class ParametersInvalid(ValidationError):
    """Something is wrong in the address, not in the body."""


class ScopeMissing(DomainError):
    code, status = "scope_missing", 403


class CsrfFailed(DomainError):
    code, status = "csrf_failed", 403


class TooManyCalls(DomainError):
    code, status = "too_many_calls", 429


class CursorInvalid(DomainError):
    code, status = "cursor_invalid", 400


class PreconditionFailed(DomainError):
    code, status = "precondition_failed", 412
