"""Who may do what is said by the newest admitted commit, not by whatever somebody could push."""

from __future__ import annotations

from pathlib import Path

import pytest
from installation import Installation, installation

from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.adapters.signing.keys import generate_key
from reconciler.commands import brakes, people
from reconciler.errors import HomeostatError

TRUST = "policies/trust.yaml"


def enforced(site: Installation) -> None:
    site.push({TRUST: ("mode: warn", "mode: enforce")}, "From now on everybody signs")
    site.settle()


def test_an_unsigned_trust_edit_that_is_not_admitted_gives_nobody_a_role(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        enforced(site)
        brake = brakes.put_on(site.system.world, site.person(), "careful", 600_000)
        key = generate_key(tmp_path / "mallory.key", "owner")
        named = f"    - name: mallory\n      emails: [m@x.org]\n      keys:\n        - public: {key.line}\n"
        entry = f"  principals:\n{named}      roles: [operate]\n"
        site.push({TRUST: ("  principals:\n", entry)}, "Hello")
        site.settle()

        with pytest.raises(HomeostatError, match="not one of 'mallory'"):
            people.proved(site.system.world, "mallory", FileSigner(tmp_path / "mallory.key", "person"))
        with pytest.raises(HomeostatError, match="not in Trust"):
            people.vouched(site.system.world, "mallory")
        mallory = people.Person("mallory", "m@x.org", "cli")
        with pytest.raises(HomeostatError, match="has no role operate"):
            brakes.take_off(site.system.world, mallory, brake.id)


def test_a_trust_edit_that_the_branch_admitted_counts_at_once(tmp_path: Path) -> None:
    with installation(tmp_path) as site:
        site.push({TRUST: ("roles: [approve, merge, policy, operate]", "roles: [approve]")}, "Less for ada")
        site.settle()

        with pytest.raises(HomeostatError, match="has no role operate"):
            brakes.put_on(site.system.world, site.person(), "careful", 600_000)
