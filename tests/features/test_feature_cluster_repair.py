"""The scenarios of features/cluster_repair.feature, on a real control plane with fake nodes."""

import pytest
from pytest_bdd import scenarios

pytestmark = pytest.mark.peer

scenarios("cluster_repair.feature")
