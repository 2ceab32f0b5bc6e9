from __future__ import annotations

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("reservations", "0009_snapshots_once_under_their_digest"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="vertex",
            trigger=pgtrigger.compiler.Trigger(
                name="path_follows_parent",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE above bigint[]; project bigint;",
                    func="\n    IF NEW.parent_id IS NULL THEN\n        NEW.path := '{}';\n        RETURN NEW;\n    END IF;\n    IF TG_OP = 'UPDATE' AND OLD.parent_id IS NULL THEN\n        RAISE check_violation USING MESSAGE = 'the root of the share tree is below nothing',\n                                    CONSTRAINT = 'share_tree_has_no_cycle';\n    END IF;\n    SELECT path, project_id INTO above, project FROM reservations_vertex WHERE id = NEW.parent_id FOR SHARE;\n    IF NEW.parent_id = NEW.id OR NEW.id = ANY(above) THEN\n        RAISE check_violation USING MESSAGE = 'an account of the share tree would be below itself',\n                                    CONSTRAINT = 'share_tree_has_no_cycle';\n    END IF;\n    IF project IS NOT NULL THEN\n        RAISE check_violation USING MESSAGE = 'nothing is below a project of the share tree',\n                                    CONSTRAINT = 'projects_of_the_share_tree_are_leaves';\n    END IF;\n    NEW.path := above || NEW.id;\n    RETURN NEW;\n",
                    hash="d1fab867a3ce3348d113f237c590d91bae5d2cac",
                    operation='INSERT OR UPDATE OF "parent_id", "path"',
                    pgid="pgtrigger_path_follows_parent_8acc3",
                    table="reservations_vertex",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="vertex",
            trigger=pgtrigger.compiler.Trigger(
                name="path_takes_all_below",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."path" IS DISTINCT FROM (NEW."path"))',
                    func="\n    UPDATE reservations_vertex SET path = path WHERE parent_id = NEW.id;\n    RETURN NULL;\n",
                    hash="a309c00b576eeb923273a7d1d44acfa7248d5d3e",
                    operation='UPDATE OF "parent_id", "path"',
                    pgid="pgtrigger_path_takes_all_below_79e23",
                    table="reservations_vertex",
                    when="AFTER",
                ),
            ),
        ),
    ]
