"""The ingress: authenticate raw bytes, limit, parse, store, answer 202. It decides nothing about what it accepts."""

from webhooks.app import IngressSettings, make_app, make_router

__all__ = ["IngressSettings", "make_app", "make_router"]
