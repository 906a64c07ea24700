"""The scenarios of features/objectives.feature."""

from pytest_bdd import scenarios

scenarios("objectives.feature")
