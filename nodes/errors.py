"""What this app refuses.

DomainError
 +-- DeviceTaken          somebody else holds a device in that time
 +-- HoldHasBegun         a hold that has begun is released, not cancelled
 +-- LeaseRefused         a lease cannot be given (another one is live on a hold)
 +-- StaleFence           a report about a lease that is over or was replaced
 +-- DeviceBusy           a job starts where another one still counts as running
 +-- LeaseUnknown         not a lease of this node
 +-- FileUnknown          not a file that a job goes on from
 +-- ListingRefused       a place or a node that cannot be entered as described
 +-- StandingRefused      a node that is not in the state for that
 +-- SettlingRefused      what differs cannot be settled so, or by that person
 +-- CheckRefused         a check of a node that cannot be made now
 +-- BodyInvalid          a call that does not follow docs/agent-protocol.md
 |    +-- FileTooLarge
 +-- ProtocolUnsupported  an agent of a version that this site does not speak
 +-- TooManyInventories   an agent that tells another machine again and again
 +-- TooManyHeartbeats    an agent that says “alive” far more often than it was told to
 +-- EnrolmentRefused
 |    +-- EnrolmentTokenUnknown, EnrolmentTokenUsed, EnrolmentTokenExpired, EnrolmentOvertaken, NoAgent
 +-- CallRefused          the caller could not be made out
      +-- TokenMissing, TokenInvalid, ClockSkew, TokenReplayed, AgentUnknown
"""

from __future__ import annotations

from common.errors import DomainError


class DeviceTaken(DomainError):
    """`details`: device_ids, until, holds (device_id, reference, kind, start, until), next_free."""

    code = "device_taken"


class HoldHasBegun(DomainError):
    code = "hold_has_begun"


class LeaseRefused(DomainError):
    code = "lease_refused"


class StaleFence(DomainError):
    code = "stale_fence"


class DeviceBusy(DomainError):
    code = "device_busy"


class LeaseUnknown(DomainError):
    code = "lease_unknown"
    status = 404


class FileUnknown(DomainError):
    code = "file_unknown"
    status = 404


class ListingRefused(DomainError):
    code = "listing_refused"
    status = 400


class StandingRefused(DomainError):
    code = "node_standing_refused"


class SettlingRefused(DomainError):
    code = "settling_refused"


class CheckRefused(DomainError):
    code = "check_refused"


class BodyInvalid(DomainError):
    code = "body_invalid"
    status = 400


class FileTooLarge(BodyInvalid):
    status = 413


class ProtocolUnsupported(DomainError):
    """`details`: speaks, takes."""

    code = "protocol_unsupported"
    status = 400


class TooManyInventories(DomainError):
    """`details`: limit, seconds."""

    code = "too_many_inventories"
    status = 429


class TooManyHeartbeats(DomainError):
    """`details`: limit, seconds."""

    code = "too_many_heartbeats"
    status = 429


class EnrolmentRefused(DomainError):
    status = 403


class EnrolmentTokenUnknown(EnrolmentRefused):
    code = "enrolment_token_unknown"


class EnrolmentTokenUsed(EnrolmentRefused):
    code = "enrolment_token_used"


class EnrolmentTokenExpired(EnrolmentRefused):
    code = "enrolment_token_expired"


class EnrolmentOvertaken(EnrolmentRefused):
    code = "enrolment_overtaken"
    status = 409


class NoAgent(EnrolmentRefused):
    code = "no_agent"
    status = 409


class CallRefused(DomainError):
    status = 401


class TokenMissing(CallRefused):
    code = "token_missing"


class TokenInvalid(CallRefused):
    code = "token_invalid"


class ClockSkew(CallRefused):
    code = "clock_skew"


class TokenReplayed(CallRefused):
    code = "token_replayed"


class AgentUnknown(CallRefused):
    code = "agent_unknown"
