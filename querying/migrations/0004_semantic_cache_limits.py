from __future__ import annotations

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0001_initial"),
        ("querying", "0003_cache_entries_and_counts"),
    ]

    operations = [
        migrations.CreateModel(
            name="FalseHit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("corpora", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("question", models.TextField()),
                ("reporter", models.CharField(max_length=40)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "query",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="querying.querylog",
                    ),
                ),
            ],
            options={
                "indexes": [django.contrib.postgres.indexes.GinIndex(fields=["corpora"], name="idx_false_hit_corpora")],
            },
        ),
        migrations.CreateModel(
            name="SemanticCacheLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "similarity",
                    models.FloatField(
                        blank=True,
                        help_text="How near two questions must be, 0 to 1; their words must agree as well. Empty: as everywhere.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "budget",
                    models.FloatField(
                        blank=True,
                        help_text="The share of its answers, 0 to 1, that readers may report as answers to another question. Empty: as everywhere.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                ("is_off", models.BooleanField(default=False, verbose_name="switched off")),
                ("off_since", models.DateTimeField(blank=True, editable=False, null=True)),
                ("counted_since", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "corpus",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="semantic_cache_limit",
                        to="documents.corpus",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("similarity__range", (0, 1))), name="semantic_similarity_is_a_share"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("budget__range", (0, 1))), name="semantic_budget_is_a_share"
                    ),
                ],
            },
        ),
    ]
