"""What a week's sums are counted from: use, refused requests, what could be booked, first slots."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from reservations.domain.shares import Tree, Vertex as Node
from reservations.domain.slots import Slot, Week
from reservations.domain.weekly.facts import Facts, ProjectFacts, RefusedPart, Stock, Use
from reservations.models import Vertex, WeekSum

WrittenTree = list[list[Any]]

NEW_FOR = timedelta(weeks=52)  # so long a project counts among the new ones
_FARTHEST = timedelta(days=366)  # the farthest horizon that an exception can give
_LOOKED_AT_AGAIN = timedelta(weeks=8)  # weeks in which use may still come late

# Refused for these alone, a request says how much was wanted and could not be had. Without money, beyond the
# horizon or off the marks it says nothing of that.
SCARCE = ("free", "room", "model_half", "floor", "commerce")

_USE = """
SELECT vertex.project_id, node.slug, device.model_key, lower(part), upper(part), usage.weight
  FROM reservations_usageentry usage
  JOIN reservations_vertex vertex ON vertex.id = usage.vertex_id
  JOIN nodes_holdevent granted ON granted.hold_uid = usage.hold_uid AND granted.event = 'granted'
  JOIN nodes_device device ON device.id = granted.device_id
  JOIN nodes_node node ON node.id = device.node_id,
       LATERAL (SELECT usage.during * %(week)s::tstzrange AS part) AS cut
 WHERE usage.during && %(week)s::tstzrange
"""

_REFUSED = """
WITH refused AS (
    SELECT id, project_id, request, decided_at,
           NOT EXISTS (SELECT FROM jsonb_array_elements(rules) AS rule
                        WHERE rule ->> 'verdict' = 'refuse' AND rule ->> 'code' <> 'free') AS was_taken,
           tstzrange(least((request ->> 'start')::timestamptz, (request ->> 'end')::timestamptz),
                     greatest((request ->> 'start')::timestamptz, (request ->> 'end')::timestamptz)) AS during
      FROM reservations_decision
     WHERE outcome = 'refused' AND decided_at >= %(since)s AND decided_at < %(until)s
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(rules) AS rule
                        WHERE rule ->> 'verdict' = 'refuse' AND NOT rule ->> 'code' = ANY(%(scarce)s))
)
SELECT refused.project_id, node.slug, device.model_key, lower(part), upper(part), count(*),
       COALESCE(sum(statement.full_available), 0), refused.id, refused.was_taken
  FROM refused
 CROSS JOIN LATERAL jsonb_array_elements_text(refused.request -> 'devices') AS wanted
  JOIN nodes_device device ON device.uid = wanted::uuid
  JOIN nodes_node node ON node.id = device.node_id
  LEFT JOIN pricing_coststatement statement
    ON statement.node_id = node.id AND statement.effective @> refused.decided_at,
       LATERAL (SELECT refused.during * %(week)s::tstzrange AS part) AS cut
 WHERE refused.during && %(week)s::tstzrange
 GROUP BY refused.project_id, node.slug, device.model_key, part, refused.id, refused.was_taken
"""

# Hours in which a price was published, less closures and owners' own time.
_BOOKABLE = """
SELECT node.slug, node.name, device.model_key, min(device.model), owner.slug, owner.name, site.country,
       COALESCE(max(funded.share), 0),
       sum(greatest(0, COALESCE(priced.seconds, 0) - COALESCE(closed.seconds, 0)))
  FROM nodes_device device
  JOIN nodes_node node ON node.id = device.node_id AND node.state <> 'draft'
  JOIN accounts_organisation owner ON owner.id = node.owner_id
  JOIN nodes_site site ON site.id = node.site_id
  LEFT JOIN LATERAL (
      SELECT sum(extract(epoch FROM upper(part) - lower(part))) AS seconds
        FROM pricing_coststatement statement
        JOIN pricing_tariff tariff ON tariff.node_id = statement.node_id,
             LATERAL (SELECT statement.effective * tariff.effective * %(window)s::tstzrange AS part) AS cut
       WHERE statement.node_id = node.id AND node.state IN ('listed', 'drained') AND NOT isempty(part)
  ) priced ON TRUE
  LEFT JOIN LATERAL (
      SELECT sum(extract(epoch FROM upper(part) - lower(part))) AS seconds
        FROM nodes_hold hold, LATERAL (SELECT hold.during * %(window)s::tstzrange AS part) AS cut
       WHERE hold.device_id = device.id AND hold.kind IN ('closure', 'owner') AND NOT isempty(part)
  ) closed ON TRUE
  LEFT JOIN LATERAL (
      SELECT statement.publicly_funded_share AS share
        FROM pricing_coststatement statement
       WHERE statement.node_id = node.id AND statement.effective && %(week)s::tstzrange
       ORDER BY lower(statement.effective) DESC LIMIT 1
  ) funded ON TRUE
 GROUP BY node.slug, node.name, device.model_key, owner.slug, owner.name, site.country
"""

# The class that it had last in the week; whoever was given none since has the one it has.
_PROJECTS = """
SELECT project.id, vertex.id, project.uses_public_money,
       COALESCE((SELECT CASE WHEN given.expires_at <= %(start)s THEN 'independent'
                             ELSE given.project_class END
                   FROM accounts_classgrant given
                  WHERE given.project_id = project.id AND given.given_at < %(end)s
                  ORDER BY given.given_at DESC, given.id DESC LIMIT 1), project.project_class)
  FROM accounts_project project JOIN reservations_vertex vertex ON vertex.project_id = project.id
"""

_FIRST = """
SELECT project.id, extract(epoch FROM first.start - project.created_at) / 3600
  FROM accounts_project project JOIN reservations_vertex vertex ON vertex.project_id = project.id
  LEFT JOIN LATERAL (
      SELECT min(lower(usage.during)) AS start FROM reservations_usageentry usage
       WHERE usage.vertex_id = vertex.id AND lower(usage.during) < %(end)s
  ) first ON TRUE
 WHERE project.created_at >= %(opened)s AND project.created_at < %(end)s
   AND (first.start IS NOT NULL
        OR EXISTS (SELECT FROM reservations_decision asked
                    WHERE asked.project_id = project.id AND asked.decided_at < %(end)s))
"""

_ANSWERS = """
SELECT rule ->> 'code', count(DISTINCT decision.id)
  FROM reservations_decision decision, jsonb_array_elements(decision.rules) AS rule
 WHERE decision.outcome = 'refused' AND decision.decided_at >= %(start)s AND decision.decided_at < %(end)s
   AND rule ->> 'verdict' = 'refuse'
 GROUP BY 1
"""

_ASKED = """
SELECT count(*), count(*) FILTER (WHERE outcome = 'granted') FROM reservations_decision
 WHERE decided_at >= %(start)s AND decided_at < %(end)s
"""

# Weeks of late whose use has grown since they were counted.
_GROWN = """
SELECT (monday AT TIME ZONE 'UTC')::date
  FROM generate_series(%(since)s::timestamptz, %(until)s::timestamptz, interval '7 days') AS monday
  LEFT JOIN reservations_weeksum counted
    ON counted.of = 'all' AND counted.week = (monday AT TIME ZONE 'UTC')::date
 WHERE COALESCE(counted.entries, -1) <> (
       SELECT count(*) FROM reservations_usageentry usage
        WHERE usage.during && tstzrange(monday, monday + interval '7 days'))
 ORDER BY 1
"""


def facts_of(week: Week, *, at: datetime, tree: WrittenTree | None = None) -> Facts:
    """Eight queries. Of the running week, what of it is over. `tree`: that of then, where it is known."""
    ends = min(week.end, at)
    values: dict[str, Any] = {
        "week": _range(week.slot), "window": _range(Slot(week.start, max(week.start, ends))),
        "start": week.start, "end": ends, "opened": ends - NEW_FOR, "since": week.start - _FARTHEST,
        "until": ends, "scarce": list(SCARCE),
    }  # fmt: skip
    rows = {}
    with connection.cursor() as cursor:
        for query in (_USE, _REFUSED, _BOOKABLE, _PROJECTS, _FIRST, _ANSWERS, _ASKED):
            cursor.execute(query, values)
            rows[query] = cursor.fetchall()
    shares, names = read_tree(written_tree() if tree is None else tree)
    return Facts(
        tree=shares, names=names,
        projects={row[0]: ProjectFacts(str(row[1]), *row[2:]) for row in rows[_PROJECTS]},
        use=tuple(Use(*row) for row in rows[_USE]),
        refused=tuple(RefusedPart(*row) for row in rows[_REFUSED]),
        stock=tuple(Stock(*row) for row in rows[_BOOKABLE]),
        first=dict(rows[_FIRST]), refusals=dict(rows[_ANSWERS]),
        asked=rows[_ASKED][0][0], granted=rows[_ASKED][0][1],
    )  # fmt: skip


def weeks_to_count(at: datetime, first: Week | None) -> list[Week]:
    """The running week, the one before it, those never counted, and those of late whose use has grown."""
    running = Week.of(at)
    found = {running, running.previous}
    if first is not None:
        since = max(first.start, running.start - _LOOKED_AT_AGAIN)
        with connection.cursor() as cursor:
            cursor.execute(_GROWN, {"since": since, "until": running.start})
            found |= {_named(monday) for (monday,) in cursor.fetchall()}
        counted = set(WeekSum.objects.filter(of=WeekSum.Of.ALL).values_list("week", flat=True))
        found |= {week for week in weeks_since(first, running) if week.start.date() not in counted}
    return sorted(week for week in found if first is None or week >= first)


def first_week() -> Week | None:
    """In which anybody first asked or used anything."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least((SELECT min(decided_at) FROM reservations_decision),"
            " (SELECT min(lower(during)) FROM reservations_usageentry))"
        )
        (began,) = cursor.fetchone()
    return Week.of(began) if began else None


def weeks_since(first: Week, last: Week) -> list[Week]:
    weeks = [first]
    while weeks[-1] < last:
        weeks.append(weeks[-1].next)
    return weeks


def _named(monday: date) -> Week:
    year, number, _ = monday.isocalendar()
    return Week(year, number)


def _range(slot: Slot) -> str:
    return f"[{slot.start.isoformat()},{slot.end.isoformat()})"


def written_tree() -> WrittenTree:
    """Of now: key, key of the account, shares, whether it is a project, name."""
    rows = Vertex.objects.values_list("pk", "parent_id", "shares", "project_id", "name").order_by("pk")
    return [
        [str(pk), None if parent is None else str(parent), shares, project is not None, name]
        for pk, parent, shares, project, name in rows
    ]


def read_tree(written: WrittenTree) -> tuple[Tree | None, dict[str, str]]:
    """Shares alone: who is promised what does not depend on use."""
    vertices = [Node(key, parent, shares, is_leaf=leaf) for key, parent, shares, leaf, _name in written]
    return (Tree(vertices) if vertices else None), {row[0]: row[4] for row in written}
