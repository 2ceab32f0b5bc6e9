"""The ways pricing says no.

DomainError
└── PricingError             409 pricing_refused
    ├── StatementRefused     400 statement_refused      `faults`: {field: sentence}
    ├── TariffRefused        400 tariff_refused
    │   └── AboveCap         400 above_cap              names the limit, and what would pass
    ├── FeeRefused           400 fee_refused
    │   └── FeeAboveCosts    400 fee_above_costs        names the limit, and what would pass
    ├── SiteCostsRefused     400 site_costs_refused     `faults`: {field: sentence}
    ├── CapRefused           400 cap_refused            `faults`: {field: sentence}
    ├── PriceExceptionRefused 409 price_exception_refused
    ├── PeriodTaken          409 period_taken           another row covers that time
    ├── LineRefused          400 line_refused           what a funding line cannot be
    ├── LineExhausted        409 line_exhausted         a funding line has not enough left
    ├── GrantRefused         400 grant_refused
    ├── GrantExhausted       409 grant_exhausted        not enough is left
    ├── ChargeRefused        409 charge_refused
    ├── ImportRefused        400 import_refused         names the line
    ├── EvidenceRefused      400 evidence_refused       a file that is not kept, or not attached there
    ├── EvidenceRedacted     409 evidence_redacted      its file was taken away, for good
    ├── EvidenceAttached     409 evidence_attached      what stands behind something stays
    ├── PoolRefused          400 pool_refused           `faults`: {field: sentence}
    ├── PoolDraftGone        409 pool_draft_gone        published or discarded meanwhile
    ├── DraftChanged         409 draft_changed          somebody else saved it since it was read
    ├── DraftGone            409 draft_gone             published or discarded meanwhile
    ├── DraftOpen            409 draft_open             a node has one draft at a time
    ├── CallOffRefused       409 call_off_refused       it has begun, or the cap is in the way
    └── WithdrawalRefused    409 withdrawal_refused     what cannot be ended, or not then
"""

from __future__ import annotations

from common.errors import DomainError


class PricingError(DomainError):
    code = "pricing_refused"


class StatementRefused(PricingError):
    code = "statement_refused"
    status = 400


class TariffRefused(PricingError):
    code = "tariff_refused"
    status = 400


class AboveCap(TariffRefused):
    code = "above_cap"


class CapRefused(PricingError):
    code = "cap_refused"
    status = 400


class PriceExceptionRefused(PricingError):
    code = "price_exception_refused"


class FeeRefused(PricingError):
    code = "fee_refused"
    status = 400


class FeeAboveCosts(FeeRefused):
    code = "fee_above_costs"


class SiteCostsRefused(PricingError):
    code = "site_costs_refused"
    status = 400


class PeriodTaken(PricingError):
    code = "period_taken"


class LineRefused(PricingError):
    code = "line_refused"
    status = 400


class LineExhausted(PricingError):
    code = "line_exhausted"


class GrantRefused(PricingError):
    code = "grant_refused"
    status = 400


class GrantExhausted(PricingError):
    code = "grant_exhausted"


class ChargeRefused(PricingError):
    code = "charge_refused"


class EvidenceRefused(PricingError):
    code = "evidence_refused"
    status = 400


class EvidenceRedacted(PricingError):
    code = "evidence_redacted"


class EvidenceAttached(PricingError):
    code = "evidence_attached"


class PoolRefused(PricingError):
    code = "pool_refused"
    status = 400


class PoolDraftGone(PricingError):
    code = "pool_draft_gone"


class ImportRefused(PricingError):
    code = "import_refused"
    status = 400


class DraftChanged(PricingError):
    code = "draft_changed"


class DraftGone(PricingError):
    code = "draft_gone"


class DraftOpen(PricingError):
    code = "draft_open"


class CallOffRefused(PricingError):
    code = "call_off_refused"


class WithdrawalRefused(PricingError):
    code = "withdrawal_refused"
