"""Shared statistics for diagnosis and verification: numbers in, numbers out, no decisions.

Standard library only, so that the loop's own process stays small. Everything here tolerates gaps and NaN (they are
left out, never read as zero), is robust against single outliers (medians, ranks), and is causal: a figure for a
window depends on the samples of that window alone. A constant series never shifts.
"""
