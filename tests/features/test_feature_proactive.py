"""The scenarios of features/proactive.feature."""

from pytest_bdd import scenarios

scenarios("proactive.feature")
