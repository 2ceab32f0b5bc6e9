"""Every invitation before this one was mailed while its page was waited for."""

from django.db import migrations, models

SAID = """
UPDATE accounts_invitation SET mail = 'sent', mail_due_at = created_at, mailed_at = created_at,
    ending = CASE
        WHEN revoked_at IS NULL THEN ''
        WHEN EXISTS (
            SELECT FROM accounts_notice
            WHERE dedupe = 'invitation-answered:' || accounts_invitation.uid
              AND params ->> 'outcome' = 'declined'
        ) THEN 'declined'
        ELSE 'withdrawn'
    END
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_sealed_second_factors'),
    ]

    operations = [
        migrations.AddField(
            model_name='invitation',
            name='ending',
            field=models.CharField(blank=True, choices=[('declined', 'Declined'), ('withdrawn', 'Withdrawn'), ('replaced', 'Sent again'), ('sender_gone', 'Its sender may no longer invite')], default='', max_length=11),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='invitation',
            name='mail',
            field=models.CharField(choices=[('none', 'Not mailed'), ('waiting', 'Waiting'), ('sending', 'Being sent'), ('sent', 'Sent'), ('failed', 'Failed')], default='waiting', max_length=10),
        ),
        migrations.AddField(
            model_name='invitation',
            name='mail_attempts',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='invitation',
            name='mail_due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='invitation',
            name='mailed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(SAID, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='invitation',
            name='mail_due_at',
            field=models.DateTimeField(),
        ),
        migrations.AddIndex(
            model_name='invitation',
            index=models.Index(condition=models.Q(('mail', 'waiting')), fields=['mail_due_at'], name='invitation_to_mail'),
        ),
        migrations.AddIndex(
            model_name='invitation',
            index=models.Index(condition=models.Q(('mail__in', ['sending', 'failed'])), fields=['mail_due_at'], name='invitation_mail_trouble'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ending', ''), ('revoked_at', None)), models.Q(('revoked_at__isnull', False), models.Q(('ending', ''), _negated=True)), _connector='OR'), name='invitation_says_how_it_ended'),
        ),
    ]
