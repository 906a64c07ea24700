"""The built-in voters: three groups of evidence, each with its own data and method.

They are independent kinds of evidence, not independent operators: one process runs all three. Each is pure, sees neither
policy rules nor other ballots, and abstains where its data says nothing.
"""

from reconciler.adapters.voters.causal import CausalVoter
from reconciler.adapters.voters.outcomes import OutcomesVoter
from reconciler.adapters.voters.topology import TopologyVoter

__all__ = ["CausalVoter", "OutcomesVoter", "TopologyVoter"]
