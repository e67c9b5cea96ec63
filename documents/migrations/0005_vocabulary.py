"""A vocabulary per corpus. That of a corpus with documents is learnt by upkeep, in small steps, not here."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("documents", "0004_demo_corpus")]

    operations = [
        migrations.CreateModel(
            name="Word",
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
                ("word", models.CharField(db_collation="C", max_length=40)),
                ("folded", models.CharField(db_collation="C", max_length=80)),
                ("term", models.BigIntegerField(db_index=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("corpus", "folded", "word"), name="idx_words_beginning")
                ],
                "indexes": [
                    models.Index(
                        models.F("corpus"),
                        django.db.models.functions.text.Reverse("folded"),
                        name="idx_words_end",
                    ),
                ],
            },
        ),
        # Those that are there have none yet; new ones have it from their first document on.
        migrations.AddField("corpus", "has_vocabulary", models.BooleanField(default=False, editable=False)),
        migrations.AlterField("corpus", "has_vocabulary", models.BooleanField(default=True, editable=False)),
    ]
