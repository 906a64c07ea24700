"""Shared statistics for diagnosis and verification: numbers in, numbers out, no decisions.

The modules here use the standard library only, so that the loop's own process stays small; the packages below (numpy and what
stands on it, the extra `analysis`) are imported by worker processes and commands, never by the loop.

Everything here tolerates gaps and NaN (they are left out, never read as zero), is robust against single outliers (medians,
ranks), and is causal: a figure for a window depends on the samples of that window alone. A constant series never shifts.
"""
