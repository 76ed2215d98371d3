"""Takes the tables of processes, counters and purge runs over from sessionlogs.

Nothing changes in the tables: only the state of the models moves, and with it the content types. Content types and
permissions keep their ids, so that what users and groups were granted stays granted.
"""

import uuid

from django.db import migrations, models

ACTIONS = ("add", "change", "delete", "view")
# The name and the words of each model, in sessionlogs and here.
MODELS = [
    (("recordingprocess", "recording process"), ("process", "process")),
    (("recordingcounter", "recording counter"), ("counter", "counter")),
    (("purgerun", "purge run"), ("purgerun", "purge run")),
]


def take_over(apps, schema_editor):
    for before, now in MODELS:
        move(apps, ("sessionlogs", *before), ("housekeeping", *now))


def give_back(apps, schema_editor):
    for before, now in MODELS:
        move(apps, ("housekeeping", *now), ("sessionlogs", *before))


def move(apps, start, end):
    """Rename the content type and the four permissions of one model, if the database has them."""
    (old_app, old_model, _), (new_app, new_model, words) = start, end
    content_types = apps.get_model("contenttypes", "ContentType").objects
    found = content_types.filter(app_label=old_app, model=old_model).first()
    if found is None:
        return  # a new database: Django makes content types and permissions after the migrations
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type=found.pk)
    for action in ACTIONS:
        permissions.filter(codename=f"{action}_{old_model}").update(
            codename=f"{action}_{new_model}", name=f"Can {action} {words}"
        )
    content_types.filter(pk=found.pk).update(app_label=new_app, model=new_model)


class Migration(migrations.Migration):
    dependencies = [
        ("sessionlogs", "0008_too_large"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Process",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "machine",
                            models.CharField(
                                blank=True, help_text="Boot and process namespace.", max_length=128
                            ),
                        ),
                        ("host", models.CharField(blank=True, max_length=255)),
                        ("pid", models.PositiveBigIntegerField(default=0)),
                        (
                            "started",
                            models.PositiveBigIntegerField(
                                default=0, help_text="Kernel ticks from boot to its start."
                            ),
                        ),
                        ("beats", models.PositiveBigIntegerField(default=0)),
                    ],
                    options={"verbose_name_plural": "processes", "db_table": "recording_processes"},
                ),
                migrations.CreateModel(
                    name="Counter",
                    fields=[
                        ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                        ("value", models.PositiveBigIntegerField(default=0)),
                    ],
                    options={"db_table": "sessionlogs_recordingcounter", "ordering": ["name"]},
                ),
                migrations.CreateModel(
                    name="PurgeRun",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("started", models.DateTimeField()),
                        ("ended", models.DateTimeField(blank=True, null=True)),
                        (
                            "user",
                            models.CharField(
                                blank=True, help_text="The account that ran the command.", max_length=150
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("running", "Running"),
                                    ("success", "Success"),
                                    ("interrupted", "Interrupted"),
                                    ("failed", "Failed"),
                                ],
                                default="running",
                                max_length=16,
                            ),
                        ),
                        (
                            "rules",
                            models.JSONField(default=list, help_text="In the order in which they apply."),
                        ),
                        (
                            "counts",
                            models.JSONField(default=dict, help_text="What was removed, by rule."),
                        ),
                        (
                            "even_unshipped",
                            models.BooleanField(
                                default=False, help_text="Also what no destination has yet."
                            ),
                        ),
                        ("error", models.CharField(blank=True, max_length=255)),
                    ],
                    options={
                        "db_table": "sessionlogs_purgerun",
                        "ordering": ["-started", "-id"],
                        "indexes": [models.Index(fields=["-started", "-id"], name="purge_run_newest")],
                    },
                ),
            ]
        ),
        migrations.RunPython(take_over, give_back),
    ]
