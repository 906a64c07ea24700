"""Policy: the judge that applies the rules of the base branch. It sees no ballots; `consensus` sees no rules."""
