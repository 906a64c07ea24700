"""Health as data: what one Kubernetes object is, by rules per kind (CEL, in YAML) and by inference for every other kind.

`HealthBook(rules).judge(object)` never raises and never calls healthy what says it is not. Rules of an infra repository live
in its folder `health/`; the shipped ones, in the same format, in `library/`.
"""

from reconciler.health.book import HealthBook, library_files, library_text
from reconciler.health.cases import CaseResult, run_cases
from reconciler.health.judgement import Judgement

__all__ = ["CaseResult", "HealthBook", "Judgement", "library_files", "library_text", "run_cases"]
