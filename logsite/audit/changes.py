"""Puts on record who makes, changes and removes rows of the models that apps name.

The models' signals catch the admin, the API, commands and Python alike. Not caught are statements over many rows:
`QuerySet.update`, `bulk_create` and `bulk_update`, by which the site keeps its own columns (how a collection ended,
which key a host offered). Code that uses one of them for a person's change calls `record` itself.

An entry is written behind its statement and before the transaction is committed: a change without an entry cannot
be, an entry whose change was rolled back can. Outside of a transaction Django commits a row before it sends
`post_save`, so the rows of watched models are saved in a transaction of their own there.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.db import models, router, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from logsite.audit.event_types import EventType, Severity
from logsite.audit.reader import current_reader
from logsite.audit.recording import record
from logsite.encryption.fields import DecryptionError, EncryptedTextField

BEFORE = "_audit_before"  # an attribute of an instance that is being saved: the stored values of its columns
SHOWN_CHARACTERS = 200  # of an old or new value
NAMES = 100  # of rows that were linked or unlinked at once


@dataclass(frozen=True)
class AuditedModel:
    """What is on record of a model's rows. Of `secret` columns it is said that they changed, and no value."""

    model: type[models.Model]
    created: EventType = EventType.SENSITIVE_CREATE
    updated: EventType = EventType.SENSITIVE_UPDATE
    deleted: EventType = EventType.SENSITIVE_DELETE
    secret: Collection[str] = ()
    ignored: Collection[str] = ()
    name_of: Callable[[Any], str] = str
    event_of: Callable[[Any, Collection[str]], EventType | None] | None = None

    def __post_init__(self) -> None:
        _save_in_transaction(self.model)
        label = self.model._meta.label_lower
        pre_save.connect(self._before_save, sender=self.model, dispatch_uid=f"audit {label}", weak=False)
        post_save.connect(self._saved, sender=self.model, dispatch_uid=f"audit {label}", weak=False)
        post_delete.connect(self._deleted, sender=self.model, dispatch_uid=f"audit {label}", weak=False)

    def _columns(self, row: models.Model, saved: Iterable[str] | None) -> list[Any]:
        """The columns that a save writes and that people fill in; the site keeps the others by itself."""
        left_out = {*row.get_deferred_fields(), *self.ignored}
        return [
            field
            for field in self.model._meta.concrete_fields
            if field.editable
            and not field.primary_key
            and field.attname not in left_out
            and (saved is None or {field.name, field.attname} & {*saved})
        ]

    def _before_save(self, instance: Any, using: str, update_fields: Any = None, **_: Any) -> None:
        columns = [] if instance._state.adding else self._columns(instance, update_fields)
        setattr(instance, BEFORE, self._stored(instance, using, columns) if columns else None)

    def _stored(self, row: models.Model, using: str, columns: list[Any]) -> dict[str, Any] | None:
        rows = self.model._base_manager.using(using).filter(pk=row.pk)
        names = [each.attname for each in columns]
        try:
            return rows.values(*names).first()
        except DecryptionError:  # the key is lost: a new secret must be storable all the same
            plain = [each.attname for each in columns if not isinstance(each, EncryptedTextField)]
            return rows.values(*plain).first() if plain else {}

    def _saved(self, instance: Any, created: bool, using: str, update_fields: Any = None, **_: Any) -> None:
        before = instance.__dict__.pop(BEFORE, None)
        if created:
            given = {each.name: self._shown(each, instance) for each in self._columns(instance, None)}
            self._record(self.created, instance, {"given": {k: v for k, v in given.items() if v}})
            return
        if before is None:  # the save writes none of the columns
            return
        changed = {
            each.name: self._change(each, before, instance)
            for each in self._columns(instance, update_fields)
            if before.get(each.attname, BEFORE) != each.to_python(getattr(instance, each.attname))
        }
        event = self.event_of(instance, changed) if self.event_of and changed else self.updated
        if changed and event:
            self._record(event, instance, {"changed": changed})

    def _deleted(self, instance: Any, **_: Any) -> None:
        self._record(self.deleted, instance, {})

    def _change(self, field: Any, before: dict[str, Any], row: models.Model) -> Any:
        if self._is_secret(field):
            return "changed"
        return [_short(before.get(field.attname)), _short(getattr(row, field.attname))]

    def _shown(self, field: Any, row: models.Model) -> Any:
        value = getattr(row, field.attname)
        return bool(value) and "set" if self._is_secret(field) else _short(value)

    def _is_secret(self, field: Any) -> bool:
        return isinstance(field, EncryptedTextField) or field.name in self.secret

    def _record(self, event: EventType, row: models.Model, details: dict[str, Any]) -> None:
        severity = Severity.WARNING if event == EventType.AUTHZ_CHANGE else Severity.INFO
        details = {"id": str(row.pk), **details} if "pk" not in self.secret else details
        what = self.model._meta.label_lower
        record(event, severity, current_reader(), details, what=what, target=self.name_of(row))


def _save_in_transaction(model: type[models.Model]) -> None:
    """Let a save and what its signals' receivers do be committed together, or not at all."""
    plain: Callable[..., None] = model.save_base

    @wraps(plain)
    def save_base(self: models.Model, *args: Any, using: str | None = None, **options: Any) -> None:
        using = using or router.db_for_write(model, instance=self)
        with transaction.atomic(using=using, savepoint=False):
            plain(self, *args, using=using, **options)

    setattr(model, "save_base", save_base)  # noqa: B010  mypy allows no assignment to a method


def _short(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)[:SHOWN_CHARACTERS]


def audit_links(field: Any, event: EventType = EventType.SENSITIVE_UPDATE) -> None:
    """Put on record which rows are linked and unlinked by a many-to-many relation, such as `User.groups`."""
    name, through = field.field.name, field.through
    severity = Severity.WARNING if event == EventType.AUTHZ_CHANGE else Severity.INFO

    def linked(
        instance: Any, action: str, reverse: bool, model: Any, pk_set: Any, using: str, **_: Any
    ) -> None:
        verb = {"post_add": "added", "post_remove": "removed", "pre_clear": "removed"}.get(action)
        if verb is None or (pk_set is not None and not pk_set):
            return
        rows = model._base_manager.using(using)
        if pk_set is None:  # all that are linked
            relation = field.field.remote_field.get_accessor_name() if reverse else name
            pk_set = set(getattr(instance, relation).values_list("pk", flat=True))
            if not pk_set:
                return
        names = [str(row) for row in rows.filter(pk__in=pk_set)[:NAMES]]
        details = {"id": str(instance.pk), "field": name, verb: names}
        what = instance._meta.label_lower
        record(event, severity, current_reader(), details, what=what, target=str(instance), count=len(pk_set))

    m2m_changed.connect(linked, sender=through, dispatch_uid=f"audit {through._meta.label}", weak=False)
