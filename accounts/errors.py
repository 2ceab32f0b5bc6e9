"""Why accounts refuses.

DomainError
└── AccountError
    ├── SlugTaken            an organisation or a project of that address exists
    ├── RegistrationRefused  of an organisation, or a steward's answer without a reason
    ├── OrganisationDecided  another steward was quicker
    ├── ProviderAway         who should say who somebody is does not answer
    ├── ProviderRefused      what they answer does not fit what was asked
    ├── RulesOutOfDate       another version of the house rules is in force
    ├── ErasureRefused       something hangs on this person that nobody else could take over
    ├── InvitationRefused    it cannot be sent, or is used, expired or withdrawn
    ├── MembershipRefused    what cannot be done with that membership
    │   └── LastLead         others would have nobody to lead them
    ├── ClassRefused         what nobody, or not this organisation, can vouch for so
    ├── StewardActRefused    what stewards cannot do to an account or an announcement
    └── NoSuchMember         of that project or organisation
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


class RegistrationRefused(AccountError):
    code, status = "registration_refused", 400


class OrganisationDecided(AccountError):
    code = "organisation_decided"


class ProviderAway(AccountError):
    code, status = "provider_away", 503


class ProviderRefused(AccountError):
    code, status = "provider_refused", 400


class RulesOutOfDate(AccountError):
    code = "rules_out_of_date"


class ErasureRefused(AccountError):
    code = "erasure_refused"


class TokenRefused(AccountError):
    code, status = "token_refused", 400


class TokenUnknown(AccountError):
    code, status = "token_unknown", 401


class TokenExpired(TokenUnknown):
    code = "token_expired"


class TokenRevoked(TokenUnknown):
    code = "token_revoked"


class TokenOver(TokenUnknown):
    code = "token_over"


class IdempotencyKeyInvalid(AccountError):
    code, status = "idempotency_key_invalid", 400


class IdempotencyKeyReused(AccountError):
    code, status = "idempotency_key_reused", 422


class IdempotencyKeyInUse(AccountError):
    code = "idempotency_key_in_use"


class InvitationRefused(AccountError):
    code = "invitation_refused"


class MembershipRefused(AccountError):
    code = "membership_refused"


class LastLead(MembershipRefused):
    code = "last_lead"


class NoSuchMember(AccountError):
    code, status = "no_such_member", 404


class ClassRefused(AccountError):
    code, status = "class_refused", 400


class StewardActRefused(AccountError):
    code = "steward_act_refused"
