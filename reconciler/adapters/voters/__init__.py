"""The built-in voters: five groups of evidence, each with its own data and method.

They are independent kinds of evidence, not independent operators: one process runs them all. Each is pure, sees neither
policy rules nor other ballots, and abstains where its data says nothing.
"""

from reconciler.adapters.voters.anomaly import AnomalyVoter
from reconciler.adapters.voters.causal import CausalVoter
from reconciler.adapters.voters.forecast import ForecastVoter
from reconciler.adapters.voters.outcomes import OutcomesVoter
from reconciler.adapters.voters.topology import TopologyVoter

__all__ = ["AnomalyVoter", "CausalVoter", "ForecastVoter", "OutcomesVoter", "TopologyVoter"]
