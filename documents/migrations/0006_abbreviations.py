"""Abbreviations that documents explain. Those of documents that are there are learnt by upkeep, with their words."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def learn_again(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Have the workers' upkeep look through the corpora that have documents."""
    apps.get_model("documents", "Corpus").objects.filter(chunk_count__gt=0).update(has_vocabulary=False)


class Migration(migrations.Migration):
    dependencies = [("documents", "0005_vocabulary")]

    operations = [
        migrations.CreateModel(
            name="Abbreviation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "corpus",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="documents.corpus",
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="documents.document",
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("short", models.CharField(db_collation="C", max_length=12)),
                ("long", models.CharField(db_collation="C", max_length=120)),
                ("folded", models.CharField(db_collation="C", max_length=240)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("document", "version", "short", "long"), name="idx_abbreviations_document"
                    )
                ],
                "indexes": [
                    models.Index(fields=["corpus", "short"], name="idx_abbreviations_short"),
                    models.Index(fields=["corpus", "folded"], name="idx_abbreviations_long"),
                ],
            },
        ),
        migrations.RunPython(learn_again, migrations.RunPython.noop),
    ]
