"""Notices from before name whoever alone is called so; where two are, nobody can say which."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models

NAMED = """
UPDATE accounts_notice SET named_id = person.id
FROM (
    SELECT min(id) AS id, coalesce(nullif(name, ''), email) AS called
    FROM accounts_user WHERE erased_at IS NULL GROUP BY called HAVING count(*) = 1
) AS person
WHERE params ->> 'by' = person.called
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_invitations_are_mailed_and_say_how_they_ended")]
    operations = [
        migrations.AddField(
            "notice",
            "named",
            models.ForeignKey(
                null=True, on_delete=models.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.RunSQL(NAMED, migrations.RunSQL.noop),
    ]
