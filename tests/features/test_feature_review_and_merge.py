"""The scenarios of features/review_and_merge.feature."""

from pytest_bdd import scenarios

scenarios("review_and_merge.feature")
