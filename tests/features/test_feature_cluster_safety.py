"""The scenarios of features/cluster_safety.feature, on a real control plane with fake nodes."""

import pytest
from pytest_bdd import scenarios

pytestmark = pytest.mark.peer

scenarios("cluster_safety.feature")
