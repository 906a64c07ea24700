"""The built-in telemetry: a scraper of Prometheus text and a bounded folder of columns behind `ports.telemetry.Telemetry`."""

from reconciler.adapters.telemetry.bounds import Bounds
from reconciler.adapters.telemetry.builtin import BuiltinTelemetry
from reconciler.adapters.telemetry.exposition import Sample, parse_exposition
from reconciler.adapters.telemetry.scraper import Scraper, ScrapeReport, ScrapeTarget

__all__ = ["Bounds", "BuiltinTelemetry", "Sample", "ScrapeReport", "ScrapeTarget", "Scraper", "parse_exposition"]
