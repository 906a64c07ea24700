"""Every built-in detector keeps the promises of its port."""

from __future__ import annotations

import pytest

from reconciler import plugins
from reconciler.testing.check_detector import check_detector

SAMPLES = {"levels": 30, "anomalies": 160, "failures": 90}  # few: the suite is long
FEWER = {"levels": {"series": 1}}


@pytest.mark.parametrize("name", plugins.BUILT_IN["detector"])
def test_a_built_in_detector_keeps_the_contract(name):
    check_detector(plugins.load("detector", name)(**FEWER.get(name, {})), samples=SAMPLES.get(name, 60), series=300)
