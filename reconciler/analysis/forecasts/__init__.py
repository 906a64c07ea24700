"""Forecasts of load for the next 1, 6 and 24 hours, with intervals that hold and the odds of a breach.

Arrays in, frozen values out: no file, no network, no clock. `history` turns samples into a regular series or says why it cannot;
`methods` is the stable of cheap forecasts and `slow` the ones for the background; `table` describes one origin by them; `pool`
trains gradient boosting over many series' pasts and calibrates it on what came after; `choice` weighs the methods by how they
did on a series' own past; `forecast` puts it together; `breach` asks a forecast when a limit is passed, and how likely.

A point forecast minimises the expected absolute percentage error, which is a low median: see `docs/analysis/forecasts.md`.
"""
