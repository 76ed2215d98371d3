"""Django's entry point of the app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "logsite.audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from logsite.audit import checks  # noqa: F401  registers them
        from logsite.audit.accounts import watch_accounts
        from logsite.audit.reader import serve_the_web
        from logsite.audit.starts import put_start_on_record
        from logsite.housekeeping.audit_retention import AuditPurge
        from logsite.housekeeping.purge_runs import register_purge
        from logsite.signals import web_started

        register_purge(AuditPurge)
        watch_accounts()
        web_started.connect(serve_the_web, dispatch_uid="audit")
        web_started.connect(put_start_on_record, dispatch_uid="settings on record")
