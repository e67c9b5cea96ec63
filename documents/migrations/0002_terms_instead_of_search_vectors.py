"""Words as numbers of their corpus, instead of two search vectors per chunk."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

# Postgres stems these languages (newer versions more, older ones fewer). A configuration of ours keeps the stop
# words, so that "who are they" can find something; its twin drops them, and so tells which they are.
MAKE_CONFIGURATIONS = """
DO $$
DECLARE
    language record;
BEGIN
    FOR language IN SELECT * FROM (VALUES
        ('en', 'english'), ('ar', 'arabic'), ('hy', 'armenian'), ('eu', 'basque'), ('ca', 'catalan'),
        ('da', 'danish'), ('nl', 'dutch'), ('et', 'estonian'), ('fi', 'finnish'), ('fr', 'french'),
        ('de', 'german'), ('el', 'greek'), ('hi', 'hindi'), ('hu', 'hungarian'), ('id', 'indonesian'),
        ('ga', 'irish'), ('it', 'italian'), ('lt', 'lithuanian'), ('ne', 'nepali'), ('no', 'norwegian'),
        ('pl', 'polish'), ('pt', 'portuguese'), ('ro', 'romanian'), ('ru', 'russian'), ('sr', 'serbian'),
        ('es', 'spanish'), ('sv', 'swedish'), ('ta', 'tamil'), ('tr', 'turkish'), ('yi', 'yiddish')
    ) AS languages(code, name)
    LOOP
        CONTINUE WHEN NOT EXISTS (
            SELECT FROM pg_ts_config WHERE cfgname = language.name AND cfgnamespace = 'pg_catalog'::regnamespace
        );
        EXECUTE format(
            'CREATE TEXT SEARCH DICTIONARY %I (TEMPLATE = snowball, LANGUAGE = %L)',
            'ragsite_' || language.code, language.name
        );
        EXECUTE format(
            'CREATE TEXT SEARCH CONFIGURATION %I (COPY = pg_catalog.%I)', 'ragsite_' || language.code, language.name
        );
        EXECUTE format(
            'ALTER TEXT SEARCH CONFIGURATION %I ALTER MAPPING REPLACE %I WITH %I',
            'ragsite_' || language.code, language.name || '_stem', 'ragsite_' || language.code
        );
        EXECUTE format(
            'CREATE TEXT SEARCH CONFIGURATION %I (COPY = pg_catalog.%I)',
            'content_ragsite_' || language.code, language.name
        );
        -- Words in ASCII among those of another script are stemmed as English.
        IF language.code <> 'en' THEN
            EXECUTE format(
                'ALTER TEXT SEARCH CONFIGURATION %I ALTER MAPPING REPLACE english_stem WITH ragsite_en',
                'ragsite_' || language.code
            );
        END IF;
    END LOOP;
END $$
"""

DROP_CONFIGURATIONS = """
DO $$
DECLARE
    ours record;
BEGIN
    FOR ours IN SELECT cfgname AS name FROM pg_ts_config WHERE cfgname ~ '^(content_)?ragsite_' LOOP
        EXECUTE format('DROP TEXT SEARCH CONFIGURATION %I', ours.name);
    END LOOP;
    FOR ours IN SELECT dictname AS name FROM pg_ts_dict WHERE dictname ~ '^ragsite_' LOOP
        EXECUTE format('DROP TEXT SEARCH DICTIONARY %I', ours.name);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_initial")]

    operations = [
        migrations.RunSQL(MAKE_CONFIGURATIONS, DROP_CONFIGURATIONS),
        migrations.RemoveIndex("chunk", "idx_chunks_search_vector"),
        migrations.RemoveIndex("chunk", "idx_chunks_search_folded"),
        migrations.RemoveField("chunk", "search_vector"),
        migrations.RemoveField("chunk", "search_vector_folded"),
        migrations.DeleteModel("DocumentFrequency"),
        migrations.AddField(
            "chunk",
            "terms",
            django.contrib.postgres.fields.ArrayField(models.BigIntegerField(), default=list, size=None),
        ),
        migrations.AddField(
            "chunk",
            "term_counts",
            django.contrib.postgres.fields.ArrayField(models.SmallIntegerField(), default=list, size=None),
        ),
        # Inline as long as the row fits a page, and the text moves out first: scoring reads the terms of thousands of
        # chunks, the text only of those that are shown.
        migrations.RunSQL(
            "ALTER TABLE documents_chunk ALTER COLUMN terms SET STORAGE MAIN,"
            " ALTER COLUMN term_counts SET STORAGE MAIN",
            migrations.RunSQL.noop,
        ),
        migrations.AddIndex(
            "chunk",
            django.contrib.postgres.indexes.GinIndex(
                fields=["terms"], gin_pending_list_limit=1024, name="idx_chunks_terms"
            ),
        ),
        migrations.CreateModel(
            name="TermFrequency",
            fields=[
                ("term", models.BigIntegerField(primary_key=True, serialize=False)),
                ("chunks", models.PositiveBigIntegerField()),
                (
                    "corpus",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="documents.corpus"
                    ),
                ),
            ],
        ),
    ]
