"""Django's entry point of the app."""

from django.apps import AppConfig


class SessionLogsConfig(AppConfig):
    name = "sessionlogs"
    verbose_name = "Session logs"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from logsite.housekeeping.heartbeats import register_work
        from logsite.records import register_source
        from sessionlogs import checks  # noqa: F401  registers them
        from sessionlogs.fulltext import create_index_after_migrate
        from sessionlogs.pages import register as register_pages
        from sessionlogs.recording.dead_sessions import close_sessions, processes_in_use
        from sessionlogs.sources import SessionSource

        register_source(SessionSource())
        register_pages()
        register_work(processes_in_use, close_sessions)
        post_migrate.connect(create_index_after_migrate, sender=self, dispatch_uid="session_logs_fulltext")
