"""The scenarios of features/panic.feature."""

from pytest_bdd import scenarios

scenarios("panic.feature")
