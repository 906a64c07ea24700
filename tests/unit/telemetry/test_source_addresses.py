"""A server that cannot be asked as it is written down: said as what it is, whatever library finds out."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.telemetry import BuiltinTelemetry
from reconciler.adapters.telemetry.prometheus import Access, PrometheusServer, PrometheusTelemetry, Unreachable
from reconciler.adapters.telemetry.scraper import Scraper, ScrapeTarget
from reconciler.errors import Misconfigured
from reconciler.testing.clock import ManualClock


def asking(url: str, access: Access | None = None) -> PrometheusTelemetry:
    return PrometheusTelemetry(PrometheusServer("prom", url, (("cpu", "cpu{$component}"),)), ManualClock(1), access)


@pytest.mark.parametrize("url", ["http://a..b", "http://[::1", "http://", "http://host:99999"])
def test_an_address_that_is_none_is_a_server_that_does_not_answer(url: str):
    with pytest.raises(Unreachable, match="did not answer"):
        asking(url).every("cpu", 0, 1)


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, text: str | None):
    file = tmp_path / "ca.pem"
    if text:
        file.write_text(text)
    with pytest.raises(Misconfigured, match=r"cannot read the certificate authorities .*ca\.pem"):
        asking("https://prom", Access("https://prom", lambda: "", str(file)))


def test_a_page_at_no_address_is_told_and_the_others_are_read(tmp_path: Path):
    telemetry = BuiltinTelemetry(tmp_path / "telemetry")
    targets = [ScrapeTarget(name, "http://a..b", 1_000) for name in ("one", "two")]
    told = [report.error for report in Scraper(targets, telemetry, ManualClock(1)).scrape()]
    assert [error.partition(" (")[0] for error in told] == [f"source {n} did not answer: UnicodeError" for n in ("one", "two")]
