"""The scenarios of features/audit_verify.feature."""

from pytest_bdd import scenarios

scenarios("audit_verify.feature")
