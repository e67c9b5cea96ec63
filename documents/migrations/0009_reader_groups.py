"""Reader groups belong to a tenant; a corpus that names readers is not public.

A group that several tenants named keeps to the first of them. Each of the others gets a copy of it, with the same
members, so that everybody may read what they could read before.
"""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

NAME_MAX_CHARS = 150  # of a group


def give_groups_to_tenants(apps: Any, schema_editor: Any) -> None:
    corpus, document = apps.get_model("documents", "Corpus"), apps.get_model("documents", "Document")
    group_model = apps.get_model("auth", "Group")
    reader_group = apps.get_model("documents", "ReaderGroup")
    named: dict[int, set[int]] = {}  # group -> tenants
    for owner in (corpus, document):
        pairs = owner.objects.exclude(readers=None).values_list("readers", "tenant").distinct()
        for group, tenant in pairs:
            named.setdefault(group, set()).add(tenant)
    for pk, tenants in sorted(named.items()):
        first, *others = sorted(tenants)
        reader_group.objects.create(group_id=pk, tenant_id=first)
        for tenant in others:
            group = group_model.objects.get(pk=pk)
            suffix = f" (tenant {tenant})"
            copy = group_model.objects.create(name=group.name[: NAME_MAX_CHARS - len(suffix)] + suffix)
            copy.user_set.set(group.user_set.all())
            reader_group.objects.create(group=copy, tenant_id=tenant)
            for owner, key in ((corpus, "corpus"), (document, "document")):
                rows = owner.readers.through.objects.filter(**{"group": pk, f"{key}__tenant": tenant})
                rows.update(group=copy)


def close_public_corpora_with_readers(apps: Any, schema_editor: Any) -> None:
    corpus = apps.get_model("documents", "Corpus")
    both = corpus.objects.filter(is_public=True).exclude(readers=None).values("pk")
    corpus.objects.filter(pk__in=list(both.values_list("pk", flat=True))).update(
        is_public=False, epoch=models.F("epoch") + 1
    )


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("documents", "0008_borders_of_chunks"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReaderGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "group",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reader_group", to="auth.group"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reader_groups",
                        to="documents.tenant",
                    ),
                ),
            ],
            options={"ordering": ["tenant__slug", "group__name"]},
        ),
        migrations.AlterField(
            model_name='corpus',
            name='is_public',
            field=models.BooleanField(default=False, help_text='Anybody may ask, without an account. Not together with readers.'),
        ),
        migrations.AlterField(
            model_name='corpus',
            name='readers',
            field=models.ManyToManyField(blank=True, help_text="Empty: every member of the tenant. Else only these groups of it (and managers); such a corpus can't be public.", to='auth.group'),
        ),
        migrations.AlterField(
            model_name='document',
            name='readers',
            field=models.ManyToManyField(blank=True, help_text='Empty: whoever may read the corpus. Else only these groups of the tenant (and managers).', to='auth.group'),
        ),
        migrations.RunPython(give_groups_to_tenants, migrations.RunPython.noop, elidable=False),
        migrations.RunPython(close_public_corpora_with_readers, migrations.RunPython.noop, elidable=False),
    ]
