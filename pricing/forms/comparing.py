"""Which nodes are to be compared: two to six of those with a price, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _, ngettext

from pricing.selectors.compare import LEAST, MOST


def chosen(asked: Sequence[str], *, names: Mapping[str, str]) -> list[str]:
    """Those of the asked ones that have a price, each once, six at most."""
    return [slug for slug in dict.fromkeys(asked) if slug in names][:MOST]


def fault_of(asked: Sequence[str], *, names: Mapping[str, str]) -> str:
    """What is wrong with a choice, in a sentence; empty where nothing is."""
    twice = next((slug for slug in asked if asked.count(slug) > 1), None)
    if twice is not None:
        return _("“%(node)s” is chosen twice. A node is compared with others.") % {
            "node": names.get(twice, twice)[:80]
        }
    unknown = next((slug for slug in asked if slug not in names), None)
    if unknown is not None:
        return _("“%(node)s” is no node with a published price.") % {"node": unknown[:80]}
    if not LEAST <= len(asked) <= MOST:
        return ngettext(
            "Choose %(least)d to %(most)d nodes; %(count)d is chosen.",
            "Choose %(least)d to %(most)d nodes; %(count)d are chosen.",
            len(asked),
        ) % {"least": LEAST, "most": MOST, "count": len(asked)}
    return ""
