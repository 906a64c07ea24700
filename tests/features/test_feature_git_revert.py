"""The scenarios of features/git_revert.feature."""

from pytest_bdd import scenarios

scenarios("git_revert.feature")
