"""What the ledger refuses.

DomainError
├── EntryRefused        the body is not what its kind's schema allows
├── LogDisagrees        what is stored does not fit what was signed: nothing is signed
├── EntryNotSequenced   an entry without an index yet, or none at all
└── ConsistencyRefused  sizes between which there is no proof
"""

from __future__ import annotations

from common.errors import DomainError


class EntryRefused(DomainError):
    code = "entry_refused"
    status = 400


class LogDisagrees(DomainError):
    code = "log_disagrees"
    status = 500


class EntryNotSequenced(DomainError):
    code = "entry_not_sequenced"
    status = 404


class ConsistencyRefused(DomainError):
    code = "consistency_refused"
    status = 400
