"""The ways reservations says no.

DomainError
└── ReservationError         409 reservation_refused
    ├── NotAMember           403 not_a_member           only members of the project may do that
    └── RunRefused           400 run_refused            what was asked to run, or when
"""

from __future__ import annotations

from common.errors import DomainError


class ReservationError(DomainError):
    code = "reservation_refused"


class NotAMember(ReservationError):
    code = "not_a_member"
    status = 403


class RunRefused(ReservationError):
    code = "run_refused"
    status = 400
