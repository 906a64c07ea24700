"""The scenarios of features/alerting_webhook.feature."""

from pytest_bdd import scenarios

scenarios("alerting_webhook.feature")
