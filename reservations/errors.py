"""The ways reservations says no.

DomainError
└── ReservationError         409 reservation_refused
    ├── Refused              409 refused                a rule says no; carries the stored decision
    ├── CancelRefused        409 cancel_refused         it has begun, or is cancelled or over already
    ├── ChangeRefused        409 change_refused         not in this state, or not to that person
    ├── SlotsInTheWay        409 slots_in_the_way       booked slots that an owner has not said to take back
    ├── AppealRefused        409 appeal_refused         nothing to appeal against, or answered already
    ├── UnknownDevice        404 unknown_device         not on a listed node
    ├── NoNewBookings        409 no_new_bookings        its node is drained
    ├── TooFarAway           400 too_far_away           years from now, where no rule was made for
    ├── NoPolicy             409 no_policy              nothing is in force yet
    ├── NoShare              409 no_share               the project has no place in the share tree
    ├── PolicyRefused        400 policy_refused         `faults`: {field: sentence}
    ├── PolicyTakesEffect    503 policy_takes_effect    this very moment; asked again it is answered
    ├── ExceptionRefused     409 exception_refused      it eases nothing or too much, or its time cannot be
    ├── ShareRefused         400 share_refused          the tree would not be a tree
    ├── NotAMember           403 not_a_member           only members of the project may do that
    ├── NotAKeeper           403 not_a_keeper           only who booked it and the project's leads may
    ├── RunRefused           400 run_refused            what was asked to run, or when
    ├── StandingRefused      409 standing_refused       suspending, resuming or ending a project
    ├── ApplicationRefused   409 application_refused    it is answered, or what it asks cannot be given
    ├── WelcomeRefused       400 welcome_refused        a name that cannot be, an address not proved yet
    └── NoIndependentAccount 409 no_independent_account personal projects have no place on this site yet
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from common.errors import DomainError


class ReservationError(DomainError):
    code = "reservation_refused"


class Refused(ReservationError):
    """`decision` is the stored row, `answer` what it says (reservations.domain.decision.Answer)."""

    code = "refused"

    def __init__(self, message: str, *, decision: Any, answer: Any, **details: Any) -> None:
        super().__init__(message, **details)
        self.decision = decision
        self.answer = answer


class CancelRefused(ReservationError):
    code = "cancel_refused"


class ChangeRefused(ReservationError):
    code = "change_refused"


class SlotsInTheWay(ReservationError):
    """`slots` tells those that were not said to be taken back; `every` names all that would be."""

    code = "slots_in_the_way"

    def __init__(self, message: str, *, slots: list[dict[str, Any]], every: list[UUID]) -> None:
        super().__init__(message, slots=slots)
        self.every = every


class AppealRefused(ReservationError):
    code = "appeal_refused"


class UnknownDevice(ReservationError):
    code = "unknown_device"
    status = 404


class NoNewBookings(ReservationError):
    code = "no_new_bookings"


class TooFarAway(ReservationError):
    code = "too_far_away"
    status = 400


class NoPolicy(ReservationError):
    code = "no_policy"


class NoShare(ReservationError):
    code = "no_share"


class PolicyRefused(ReservationError):
    code = "policy_refused"
    status = 400


class PolicyTakesEffect(ReservationError):
    """Usage is counted under another policy than the one that was to decide: nothing was decided."""

    code = "policy_takes_effect"
    status = 503


class ExceptionRefused(ReservationError):
    code = "exception_refused"


class ShareRefused(ReservationError):
    code = "share_refused"
    status = 400


class NotAMember(ReservationError):
    code = "not_a_member"
    status = 403


class NotAKeeper(ReservationError):
    code = "not_a_keeper"
    status = 403


class RunRefused(ReservationError):
    code = "run_refused"
    status = 400


class StandingRefused(ReservationError):
    code = "standing_refused"


class ApplicationRefused(ReservationError):
    code = "application_refused"


class WelcomeRefused(ReservationError):
    code = "welcome_refused"
    status = 400


class NoIndependentAccount(ReservationError):
    code = "no_independent_account"
