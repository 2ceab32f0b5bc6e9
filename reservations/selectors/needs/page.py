"""The slots that answer a need as a page shows them, and in a few sentences why there are no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext, ngettext

from common import formats
from pricing.domain.expected import Carbon
from reservations import wording
from reservations.domain.needs import Order, Priced
from reservations.selectors.levels import Level, change
from reservations.selectors.links import slot_fields, slot_url
from reservations.selectors.needs import Answers

SHOWN = 6
NEAREST = 3  # shown where nothing fits
_OF_ONE_NODE = 2


@dataclass(frozen=True)
class OfferLine:
    title: str  # 2 × H100 SXM5 80 GB
    node: str
    node_url: str
    place: str  # its country
    start: datetime | None  # None: now
    end: datetime
    total: Decimal
    kilograms: Decimal | None  # of CO2e; None: not known
    is_estimated: bool
    level_after: str
    differs: str  # from the need, where nothing answers it whole
    url: str
    is_shown: bool  # in the preview beside it

    @property
    def during(self) -> str:
        if self.start is not None:
            return formats.span(self.start, self.end)
        return gettext("Now – %s") % formats.moment(self.end)


@dataclass(frozen=True)
class NeedPage:
    title: str
    lines: tuple[OfferLine, ...]
    level: str  # now
    order: Order
    notes: tuple[str, ...]
    refused_url: str  # the preview of the first that only rules keep from fitting; empty: none


def need_page(answers: Answers, *, project: str, asked: str, shown: frozenset[tuple[str, str]]) -> NeedPage:
    """`asked`: the need's own query, so that links lead back to it. `shown`: a slot that is previewed."""
    found = answers.sorted
    nearest = [] if found.fitting else _nearest(answers)
    lines = [_line(one, answers, project, asked, shown) for one in (*_best(found.fitting), *nearest)]
    return NeedPage(
        title=_title(len(found.fitting), len(nearest)),
        lines=tuple(lines),
        level=Level(answers.level).figure,
        order=answers.need.order,
        notes=tuple(_notes(answers)),
        refused_url=_url(found.refused[0], answers, project, asked) if found.refused else "",
    )


def _best(fitting: Sequence[Priced]) -> list[Priced]:
    """The first, and of one node no more than two while others have as good."""
    found: list[Priced] = []
    seen: Counter[int] = Counter()
    for one in fitting:
        seen[one.tried.place] += 1
        if seen[one.tried.place] <= _OF_ONE_NODE:
            found.append(one)
    chosen = {*found[:SHOWN]} | {*[one for one in fitting if one not in found][: max(0, SHOWN - len(found))]}
    return [one for one in fitting if one in chosen]


def _nearest(answers: Answers) -> list[Priced]:
    """What is over soonest, then what is least too dear; the best of each node."""
    late = sorted(answers.sorted.too_late, key=lambda one: one.tried.end)
    dear = sorted(answers.sorted.too_dear, key=lambda one: one.total)
    of_node: dict[int, Priced] = {}
    for one in (*late, *dear):
        of_node.setdefault(one.tried.place, one)
    return [*of_node.values()][:NEAREST]


def _title(fitting: int, nearest: int) -> str:
    if not fitting:
        return gettext("Nothing fits; this is nearest") if nearest else gettext("Nothing fits")
    if fitting <= SHOWN:
        return ngettext("%(count)d slot fits", "%(count)d slots fit", fitting) % {"count": fitting}
    return gettext("%(shown)d best of %(count)d that fit") % {"shown": SHOWN, "count": fitting}


def _line(
    one: Priced, answers: Answers, project: str, asked: str, shown: frozenset[tuple[str, str]]
) -> OfferLine:
    tried, place = one.tried, answers.places[one.tried.place]
    carbon = answers.carbon[tried]
    _before, after = change(Level(answers.level), Level(one.level_after))
    fields = frozenset(_fields(one, answers, project))
    memory = formats.memory(place.memory_bytes)
    return OfferLine(
        title=f"{len(tried.devices)} × {place.group.model} {memory}",
        node=place.name,
        node_url=f"/nodes/{place.group.node}/",
        place=formats.country(place.group.country),
        start=None if tried.start == answers.at else tried.start,
        end=tried.end,
        total=one.total,
        kilograms=None if carbon is None else kilograms(carbon),
        is_estimated=carbon is not None and carbon.is_estimated,
        level_after=after,
        differs=_sentence("; ".join(_differs(one, answers))),
        url=_url(one, answers, project, asked),
        is_shown=fields <= shown,
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def kilograms(carbon: Carbon) -> Decimal:
    return (carbon.grams / 1000).quantize(Decimal("0.001"))


def _differs(one: Priced, answers: Answers) -> Iterator[str]:
    need = answers.need
    if not one.tried.runs_jobs:
        yield gettext("runs no jobs yet")
    if need.done_by is not None and one.tried.end > need.done_by:
        yield gettext("over %s too late") % formats.duration(one.tried.end - need.done_by)
    if need.at_most is not None and one.total > need.at_most:
        yield gettext("%s too dear") % formats.money(one.total - need.at_most)
    if one.refused:
        yield gettext("refused: %s") % ", ".join(wording.name(code) for code in one.refused)


def _fields(one: Priced, answers: Answers, project: str) -> tuple[tuple[str, str], ...]:
    start = None if one.tried.start == answers.at else one.tried.start
    return slot_fields(project=project, devices=one.tried.devices, start=start, end=one.tried.end)


def _url(one: Priced, answers: Answers, project: str, asked: str) -> str:
    start = None if one.tried.start == answers.at else one.tried.start
    slot = slot_url(project=project, devices=one.tried.devices, start=start, end=one.tried.end)
    return f"{slot}&{asked}#pv"


def _notes(answers: Answers) -> Iterator[str]:
    found = answers.sorted
    if not answers.places:
        yield _unlisted(answers)
        return
    if not any((found.fitting, found.too_late, found.too_dear, found.refused)):
        nodes = len({place.group.node for place in answers.places})
        yield ngettext(
            "The only node that has them is never free for %(length)s within the time that can be booked.",
            "None of the %(nodes)d nodes that have them is free for %(length)s within the time that can be"
            " booked.",
            nodes,
        ) % {"nodes": nodes, "length": formats.duration(answers.need.length)}
    if found.fitting and found.too_late:
        yield _too_many(found.too_late, gettext("over too late"))
    if found.fitting and found.too_dear:
        yield _too_many(found.too_dear, gettext("too dear"))
    if not answers.are_all:
        yield gettext("Only %d nodes were looked at: those that run jobs, then the cheapest.") % len(
            answers.places
        )
    if found.refused:
        yield ngettext(
            "%(count)d more is free, and refused by a rule: %(rules)s.",
            "%(count)d more are free, and refused by a rule: %(rules)s.",
            len(found.refused),
        ) % {"count": len(found.refused), "rules": _by_rule(found.refused)}


def _unlisted(answers: Answers) -> str:
    need = answers.need
    return ngettext(
        "No node has a device of this kind that can be booked.",
        "No node has %(count)d devices of this kind that can be booked together.",
        need.devices,
    ) % {"count": need.devices}


def _too_many(found: Sequence[Priced], why: str) -> str:
    return ngettext(
        "%(count)d more is free, and %(why)s.", "%(count)d more are free, and %(why)s.", len(found)
    ) % {"count": len(found), "why": why}


def _by_rule(refused: Sequence[Priced]) -> str:
    counts = Counter(code for one in refused for code in one.refused)
    return ", ".join(f"{wording.name(code)} ({count})" for code, count in counts.most_common())
