"""Homeostat: self-healing infrastructure in which every repair is a reviewed, signed Git commit."""

__version__ = "0.1.0"
