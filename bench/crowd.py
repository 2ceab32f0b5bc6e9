"""Fills the example world up to a large site: 10,000 projects, 50,000 people, a million reservations.

Rows are copies of rows that services made, with their own ids, owners and times: what a column means is
said in one place only, and a new column needs nothing here. Triggers and foreign keys are not asked
(`session_replication_role`); indexes and exclusion constraints are.
"""

from __future__ import annotations

import time

from django.db import connection

from accounts.models import Project, User
from bench import figures
from common import clock
from pricing.models import Charge
from reservations.models import Application
from reservations.services import capacity
from tests import factories

PEOPLE = 50_000
PROJECTS = 10_000
RESERVATIONS = 1_000_000
NODES, DEVICES = 40, 8  # more of them, each device booked around the clock
SLOT_HOURS = 8
AHEAD_DAYS = 14  # the last slots end so long from now
FIRST = 10_000_000  # ids of ours begin here

# One statement each. %(…)s: the constants above, lower case.
STEPS = (
    (
        "people",
        """
        INSERT INTO accounts_user SELECT made.* FROM generate_series(0, %(people)s - 1) AS n,
            LATERAL (SELECT a AS one FROM accounts_user AS a ORDER BY id LIMIT 1) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', %(first)s + n, 'uid', gen_random_uuid(), 'email', 'person' || n || '@crowd.example',
                'name', 'Person ' || n, 'is_staff', false, 'is_superuser', false, 'is_steward', false
            )) AS made
        """,
    ),
    (
        "addresses",
        """
        INSERT INTO account_emailaddress (id, user_id, email, verified, "primary")
        SELECT id, id, email, true, true FROM accounts_user WHERE id >= %(first)s
        """,
    ),
    (
        "house rules they accepted",
        """
        INSERT INTO accounts_houserulesacceptance
        SELECT made.* FROM generate_series(0, %(people)s - 1) AS n,
            LATERAL (
                SELECT a AS one FROM accounts_houserulesacceptance AS a ORDER BY version DESC, id LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', %(first)s + n, 'user_id', %(first)s + n
            )) AS made
        """,
    ),
    (
        "accounts of the share tree",
        """
        INSERT INTO reservations_vertex SELECT made.* FROM generate_series(0, 99) AS n,
            LATERAL (SELECT a AS root FROM reservations_vertex AS a WHERE parent_id IS NULL) AS template,
            LATERAL jsonb_populate_record(root, jsonb_build_object(
                'id', %(first)s + n, 'parent_id', (root).id, 'path', jsonb_build_array(%(first)s + n),
                'name', 'Account ' || n, 'shares', 1 + n %% 7
            )) AS made
        """,
    ),
    (
        "projects",
        """
        INSERT INTO accounts_project SELECT made.* FROM generate_series(0, %(projects)s - 1) AS n,
            LATERAL (
                SELECT a AS one FROM accounts_project AS a WHERE personal_to_id IS NULL ORDER BY id LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', %(first)s + n, 'uid', gen_random_uuid(), 'slug', 'crowd-' || n, 'name', 'Crowd ' || n
            )) AS made
        """,
    ),
    (
        "their places in the tree",
        """
        INSERT INTO reservations_vertex SELECT made.* FROM generate_series(0, %(projects)s - 1) AS n,
            LATERAL (
                SELECT a AS one FROM reservations_vertex AS a WHERE project_id IS NOT NULL ORDER BY id LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', %(first)s + 100 + n, 'project_id', %(first)s + n, 'parent_id', %(first)s + n %% 100,
                'path', jsonb_build_array(%(first)s + n %% 100, %(first)s + 100 + n),
                'name', 'Crowd ' || n, 'shares', 1 + n %% 5, 'committed', 0
            )) AS made
        """,
    ),
    (
        "members, five a project and one project in a thousand of four hundred",
        """
        INSERT INTO accounts_projectmembership
        SELECT made.* FROM generate_series(0, %(projects)s - 1) AS n,
            LATERAL generate_series(0, CASE WHEN n %% 1000 = 0 THEN 399 ELSE 4 END) AS m,
            LATERAL (SELECT a AS one FROM accounts_projectmembership AS a ORDER BY id LIMIT 1) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', %(first)s + n * 400 + m, 'project_id', %(first)s + n,
                'user_id', %(first)s + (n * 5 + m) %% %(people)s,
                'role', CASE WHEN m = 0 THEN 'lead' ELSE 'member' END
            )) AS made
        """,
    ),
    (
        "grants",
        """
        INSERT INTO pricing_grant SELECT made.* FROM generate_series(0, %(projects)s - 1) AS n,
            LATERAL (
                SELECT a AS one FROM pricing_grant AS a WHERE allowance_month IS NULL ORDER BY id LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', %(first)s + n, 'uid', gen_random_uuid(), 'project_id', %(first)s + n,
                'amount', 1000000, 'encumbered', 0, 'used', 0
            )) AS made
        """,
    ),
    (
        "slots",
        """
        CREATE TEMPORARY TABLE slot AS
        SELECT n, %(first)s + n AS id, device.id AS device_id, device.node_id,
               gen_random_uuid() AS uid, gen_random_uuid() AS hold_uid,
               %(first)s + n %% %(projects)s AS project_id,
               %(first)s + (n * 5) %% %(people)s AS user_id, during, upper(during) <= now() AS is_over
          FROM generate_series(0, %(reservations)s - 1) AS n
          JOIN (SELECT id, node_id, row_number() OVER (ORDER BY id) - 1 AS place
                  FROM nodes_device ORDER BY id DESC LIMIT %(devices)s) AS device
            ON device.place - (SELECT count(*) - %(devices)s FROM nodes_device) = n %% %(devices)s,
               LATERAL (SELECT date_trunc('hour', now()) + %(ahead)s * interval '1 day'
                               - (n / %(devices)s + 1) * %(hours)s * interval '1 hour' AS start) AS at,
               LATERAL (SELECT tstzrange(start, start + %(hours)s * interval '1 hour') AS during) AS span
        """,
    ),
    (
        "entries of the log",
        """
        INSERT INTO ledger_entry SELECT made.* FROM slot,
            LATERAL (
                SELECT a AS one FROM ledger_entry AS a WHERE kind = 'decision' ORDER BY id LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', slot.id, 'uid', gen_random_uuid(), 'index', NULL,
                'appended_at', lower(during) - interval '5 days'
            )) AS made
        """,
    ),
    (
        "decisions",
        """
        INSERT INTO reservations_decision SELECT made.* FROM slot,
            LATERAL (
                SELECT a AS one FROM reservations_decision AS a WHERE outcome = 'granted' ORDER BY id LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', slot.id, 'uid', gen_random_uuid(), 'project_id', project_id, 'asked_by_id', user_id,
                'entry_id', slot.id,
                'decided_at', lower(during) - interval '5 days'
            )) AS made
        """,
    ),
    (
        "reservations",
        """
        INSERT INTO reservations_reservation SELECT made.* FROM slot,
            LATERAL (
                SELECT a AS one FROM reservations_reservation AS a WHERE state = 'booked' ORDER BY id LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', slot.id, 'uid', slot.uid, 'project_id', project_id, 'booked_by_id', user_id,
                'decision_id', slot.id, 'during', during::text,
                'created_at', lower(during) - interval '5 days',
                'state', CASE WHEN is_over THEN 'ended' ELSE 'booked' END,
                'settled_at', CASE WHEN is_over THEN upper(during) END
            )) AS made
        """,
    ),
    (
        "their devices",
        """
        INSERT INTO reservations_reserveddevice SELECT made.* FROM slot,
            LATERAL (SELECT a AS one FROM reservations_reserveddevice AS a ORDER BY id LIMIT 1) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', slot.id, 'reservation_id', slot.id, 'device_id', device_id, 'hold_uid', hold_uid
            )) AS made
        """,
    ),
    (
        "holds",
        """
        INSERT INTO nodes_hold (id, uid, device_id, during, reference, kind)
        SELECT id, hold_uid, device_id, during, 'reservation-' || uid, 'reservation' FROM slot
        """,
    ),
    (
        "hold events",
        """
        INSERT INTO nodes_holdevent
               (event, hold_uid, hold_kind, device_id, during, reference, weight, price, at)
        SELECT event, hold_uid, 'reservation', device_id, during, 'reservation-' || uid, 0.7, 1.1,
               CASE event WHEN 'granted' THEN lower(during) - interval '5 days' ELSE lower(during) END
          FROM slot, unnest(ARRAY['granted', 'started']) AS event
         WHERE event = 'granted' OR lower(during) <= now()
        """,
    ),
    (
        "usage",
        """
        INSERT INTO reservations_usageentry SELECT made.* FROM slot,
            LATERAL (SELECT a AS one FROM reservations_usageentry AS a ORDER BY id LIMIT 1) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', slot.id, 'vertex_id', %(first)s + 100 + n %% %(projects)s, 'hold_uid', hold_uid,
                'during', during::text
            )) AS made
         WHERE is_over
        """,
    ),
    (
        "jobs, one a slot that is over",
        """
        INSERT INTO reservations_run SELECT made.* FROM slot,
            LATERAL (
                SELECT a AS one FROM reservations_run AS a WHERE state = 'ended' ORDER BY id LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', slot.id, 'uid', gen_random_uuid(), 'reservation_id', slot.id, 'node_id', node_id,
                'lease_uid', gen_random_uuid(), 'created_by_id', user_id,
                'created_at', lower(during) - interval '1 day', 'finished_at', upper(during)
            )) AS made
         WHERE is_over
        """,
    ),
    (
        "applications, one a project",
        """
        INSERT INTO reservations_application SELECT made.* FROM generate_series(0, %(projects)s - 1) AS n,
            LATERAL (
                SELECT a AS one FROM reservations_application AS a WHERE state = 'withdrawn' LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', %(first)s + n, 'uid', gen_random_uuid(), 'project_id', %(first)s + n,
                'applicant_id', %(first)s + (n * 5) %% %(people)s
            )) AS made
        """,
    ),
    (
        "notices, ten a person",
        """
        INSERT INTO accounts_notice SELECT made.* FROM generate_series(0, 10 * %(people)s - 1) AS n,
            LATERAL (SELECT a AS one FROM accounts_notice AS a ORDER BY id LIMIT 1) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', %(first)s + n, 'uid', gen_random_uuid(), 'user_id', %(first)s + n %% %(people)s,
                'dedupe', 'crowd-' || n, 'mail', 'sent', 'read_at', now()
            )) AS made
        """,
    ),
    (
        "charges",
        """
        INSERT INTO pricing_charge SELECT made.* FROM slot,
            LATERAL (
                SELECT a AS one FROM pricing_charge AS a WHERE item = 'slot' ORDER BY id LIMIT 1
            ) AS template,
            LATERAL jsonb_populate_record(one, jsonb_build_object(
                'id', slot.id, 'uid', gen_random_uuid(), 'project_id', project_id, 'node_id', node_id,
                'reference', 'reservation-' || uid, 'position', 1, 'grant_id', project_id,
                'period', during::text, 'posted_at', upper(during)
            )) AS made
         WHERE is_over
        """,
    ),
)


def is_gathered() -> bool:
    """Whether all of it is here: what is filled in last is."""
    return Charge.objects.filter(pk__gte=FIRST).exists()


def gather() -> None:
    """Fill the database; says what took how long."""
    at = clock.now()
    for _ in range(NODES):
        factories.publish_prices(factories.make_node(devices=DEVICES))
    # The example world has none to copy.
    Application.objects.create(
        applicant=User.objects.order_by("pk")[0], name="Crowd", wanted_class=Project.Class.RESEARCH,
        purpose="To be copied.", state=Application.State.WITHDRAWN, submitted_at=at,
    )  # fmt: skip
    values = {
        "people": PEOPLE, "projects": PROJECTS, "reservations": RESERVATIONS, "first": FIRST,
        "devices": NODES * DEVICES, "hours": SLOT_HOURS, "ahead": AHEAD_DAYS,
    }  # fmt: skip
    rows = []
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for what, statement in STEPS:
            began = time.perf_counter()
            cursor.execute(statement, values)
            rows.append([what, f"{cursor.rowcount:,}", f"{time.perf_counter() - began:.0f}"])
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")
    capacity.measure(at=at)
    figures.table("What was filled in", ["rows", "count", "s"], rows)
