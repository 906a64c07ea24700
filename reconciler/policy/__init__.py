"""Policy: the judge that applies the rules of the base branch. It sees no ballots; `consensus` sees no rules."""

from reconciler.policy.cases import CaseResult, decide, load_cases, run_cases
from reconciler.policy.checking import check_files
from reconciler.policy.explaining import explain
from reconciler.policy.facts import EXACT_LANDING, MACHINE, Brake, Facts, Forecast, Hold, SpentMerge, Tightening, ValueMove
from reconciler.policy.judging import judge
from reconciler.policy.moves import value_moves
from reconciler.policy.protected import protected_paths
from reconciler.policy.rules import PolicySet, policy_set
from reconciler.policy.self_testing import self_test

__all__ = [
    "EXACT_LANDING",
    "MACHINE",
    "Brake",
    "CaseResult",
    "Facts",
    "Forecast",
    "Hold",
    "PolicySet",
    "SpentMerge",
    "Tightening",
    "ValueMove",
    "check_files",
    "decide",
    "explain",
    "judge",
    "load_cases",
    "policy_set",
    "protected_paths",
    "run_cases",
    "self_test",
    "value_moves",
]
