"""The scenarios of features/edit_policy.feature."""

from pytest_bdd import scenarios

scenarios("edit_policy.feature")
