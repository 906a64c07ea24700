"""Consensus: the judge that weighs ballots. It sees no policy rules; `policy` sees no ballots."""
