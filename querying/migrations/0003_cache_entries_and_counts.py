from __future__ import annotations

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("querying", "0002_cached_answers")]

    operations = [
        migrations.AddField(
            model_name="querylog",
            name="corpus_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None
            ),
        ),
        migrations.CreateModel(
            name="CacheEntry",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("search", "Search"), ("vector", "Vector")], max_length=10)),
                ("value", models.JSONField()),
                (
                    "corpora",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "documents",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "cache entries",
                "indexes": [
                    models.Index(fields=["kind", "created_at"], name="idx_cache_entry_age"),
                    django.contrib.postgres.indexes.GinIndex(fields=["documents"], name="idx_cache_entry_documents"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CacheCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("corpus_id", models.BigIntegerField()),
                ("layer", models.CharField(max_length=20)),
                ("since", models.DateTimeField()),
                ("hits", models.PositiveBigIntegerField(default=0)),
                ("misses", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "cache",
                "indexes": [models.Index(fields=["since"], name="idx_cache_count_since")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("corpus_id", "layer", "since"), name="one_count_per_corpus_layer_and_time"
                    )
                ],
            },
        ),
        migrations.AlterField(
            model_name="querylog",
            name="created_at",
            field=models.DateTimeField(db_index=True, default=django.utils.timezone.now),
        ),
        # What is lost in a crash is found again: without a log, keeping it waits for no disk.
        migrations.RunSQL(
            "ALTER TABLE querying_cacheentry SET UNLOGGED", "ALTER TABLE querying_cacheentry SET LOGGED"
        ),
    ]
