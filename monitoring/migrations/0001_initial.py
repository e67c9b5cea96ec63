"""Changes of circuits, and what an operator wants of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CircuitEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("host", models.TextField(help_text="Base URL, without credentials.")),
                (
                    "operation",
                    models.CharField(
                        blank=True,
                        choices=[("embed", "Embed"), ("generate", "Generate")],
                        help_text="Empty: of the model server as a whole.",
                        max_length=10,
                    ),
                ),
                (
                    "from_state",
                    models.CharField(
                        choices=[
                            ("CLOSED", "Closed"),
                            ("OPEN", "Open"),
                            ("HALF_OPEN", "Half Open"),
                            ("UP", "Up"),
                            ("DOWN", "Down"),
                            ("IN_USE", "In Use"),
                            ("DRAINING", "Draining"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "to_state",
                    models.CharField(
                        choices=[
                            ("CLOSED", "Closed"),
                            ("OPEN", "Open"),
                            ("HALF_OPEN", "Half Open"),
                            ("UP", "Up"),
                            ("DOWN", "Down"),
                            ("IN_USE", "In Use"),
                            ("DRAINING", "Draining"),
                        ],
                        max_length=10,
                    ),
                ),
                ("cause", models.CharField(max_length=200)),
                (
                    "pid",
                    models.PositiveIntegerField(help_text="Id of the process that saw it.", verbose_name="process"),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
                "indexes": [models.Index(fields=["-at"], name="idx_circuit_events_at")],
            },
        ),
        migrations.CreateModel(
            name="Switch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.TextField()),
                (
                    "operation",
                    models.CharField(blank=True, choices=[("embed", "Embed"), ("generate", "Generate")], max_length=10),
                ),
                (
                    "wish",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "-"),
                            ("open", "keep open"),
                            ("closed", "close"),
                            ("draining", "drain"),
                            ("in_use", "use again"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(default=0, help_text="Counts the orders, so that each is obeyed once."),
                ),
                ("by", models.CharField(blank=True, max_length=150)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("ordered_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "model server circuit",
                "ordering": ["host", "operation"],
                "constraints": [
                    models.UniqueConstraint(fields=("host", "operation"), name="uniq_switch_host_operation")
                ],
            },
        ),
    ]
