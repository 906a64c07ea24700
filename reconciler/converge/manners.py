"""Manners: what a unit's document says about putting its objects on a cluster, as the targets take it."""

from __future__ import annotations

from reconciler.documents.installation import Unit
from reconciler.model.revisions import FieldRule, Manner, Owner


def manner_of(unit: Unit) -> Manner:
    account = unit.apply.service_account.replace("/", ":")
    rules = (FieldRule(Owner(f.owner), f.kind, f.name, f.path, f.manager) for f in unit.apply.fields)
    return Manner(f"system:serviceaccount:{account}" if account else "", unit.apply.adopt, tuple(rules))
