"""What the database itself refuses about memberships."""

from __future__ import annotations

import pgtrigger


def keeps_a_lead(of: str) -> pgtrigger.Trigger:
    """While anybody belongs to it, somebody leads it: checked when the transaction commits.

    Deferred, so that handing over and leaving may be one transaction. Two leads who remove each
    other at once would each see the other: services lock the project or organisation first.
    """
    return pgtrigger.Trigger(
        name=f"{of}_keeps_a_lead",
        operation=pgtrigger.Update | pgtrigger.Delete,
        when=pgtrigger.After,
        timing=pgtrigger.Deferred,
        func=f"""
            IF EXISTS (SELECT 1 FROM accounts_{of}membership WHERE {of}_id = OLD.{of}_id)
               AND NOT EXISTS (
                   SELECT 1 FROM accounts_{of}membership WHERE {of}_id = OLD.{of}_id AND role = 'lead'
               )
            THEN RAISE EXCEPTION '{of} % has members and no lead', OLD.{of}_id;
            END IF;
            RETURN NULL;
        """,  # noqa: S608, of is one of our two words
    )
