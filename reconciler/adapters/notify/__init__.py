"""Notifiers: how a person is paged. A lost page is retried by the loop; it never blocks a repair."""

from reconciler.adapters.notify.file import FileNotifier
from reconciler.adapters.notify.making import EveryNotifier, make_notifier
from reconciler.adapters.notify.webhook import WebhookNotifier

__all__ = ["EveryNotifier", "FileNotifier", "WebhookNotifier", "make_notifier"]
