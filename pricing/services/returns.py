"""What a grant could not use goes back to the line it was given from, once its time is over.

Universal allowances that lapse at a month's end are most of it. Money set aside for slots stays until they
are settled; then what they did not cost goes back too. Device-hours lapse: a line counts EUR alone.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from common.prepared import prepared

# Both by themselves, lines before grants as where grants are given: what runs next then reads what was
# committed before. A slot that is settled meanwhile waits, or is waited for.
_LOCK_LINES = """
SELECT id FROM pricing_fundingline
 WHERE id IN (SELECT line_id FROM pricing_grant
               WHERE line_id IS NOT NULL AND upper(valid) <= %(at)s
                 AND amount > encumbered + used + returned)
 ORDER BY id FOR NO KEY UPDATE
"""
_LOCK_GRANTS = """
SELECT id FROM pricing_grant
 WHERE line_id = ANY(%(lines)s) AND upper(valid) <= %(at)s
   AND amount > encumbered + used + returned
 ORDER BY id FOR NO KEY UPDATE
"""
_RETURN = """
WITH unused AS (
    SELECT id, line_id, amount - encumbered - used - returned AS amount
      FROM pricing_grant WHERE id = ANY(%(grants)s)
), returned AS (
    UPDATE pricing_grant SET returned = pricing_grant.returned + unused.amount
      FROM unused WHERE pricing_grant.id = unused.id
), back AS (
    SELECT line_id, sum(amount) AS amount FROM unused GROUP BY line_id
)
UPDATE pricing_fundingline SET committed = committed - back.amount
  FROM back WHERE pricing_fundingline.id = back.line_id
RETURNING back.amount
"""


@transaction.atomic
def return_unused(*, at: datetime) -> Decimal:
    """Give every line back what its grants that are over have left; answers how much in all, EUR."""
    with prepared() as cursor:
        cursor.execute(_LOCK_LINES, {"at": at})
        lines = [line for (line,) in cursor.fetchall()]
        cursor.execute(_LOCK_GRANTS, {"lines": lines, "at": at})
        grants = [grant for (grant,) in cursor.fetchall()]
        cursor.execute(_RETURN, {"grants": grants})
        return sum((amount for (amount,) in cursor.fetchall()), Decimal(0))
