"""How long an invitation holds, and how often and to how many one may write."""

from __future__ import annotations

from datetime import timedelta

LIFETIME = timedelta(days=14)
MOST_OPEN = 50  # to one project or organisation: a list somebody reads, not a mailing
MOST_A_DAY = 100  # of one person: whoever may write names and addresses must not mail the world with them
BETWEEN_MAILS = timedelta(minutes=10)  # to one address, so that nobody is flooded through this site
