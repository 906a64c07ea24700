"""S2, AWS S3 2017: a parameter ten times too big is valid syntax. The limits of the repository catch it, not the parser."""

from installation import Installation

SCALE_OUT = "playbooks/scale-out.yaml"
TYPO = {SCALE_OUT: ('default: "1.5"\n      min: "1.1"\n      max: "2"', 'default: "15"\n      min: "1.1"\n      max: "20"')}


def sale(site: Installation) -> None:
    site.fault(kind="surge", service="checkout", factor=2.0)
    site.until(lambda: site.payloads("proposal"), seconds=90)
    site.advance(15)


def test_ten_times_the_replicas_is_refused_and_makes_room_for_the_smaller_step(site: Installation) -> None:
    site.allow("scale-out")
    site.push(TYPO, "Scale out faster")
    sale(site)
    first, second = site.payloads("proposal")[:2]
    assert (first["effect"], first["reason"]) == ("deny", "limit")
    assert "replicas: 20" in site.file("apps/shop/checkout.yaml", first["head"])
    assert second["effect"] == "merge"
    assert site.live("checkout", "replicas") == 4  # the playbook's own smaller step


def test_without_the_limit_the_machine_would_have_done_it(site: Installation) -> None:
    site.allow("scale-out")
    site.push({**TYPO, "policies/limits.yaml": ("maxRatio: 3\n", "maxRatio: 100\n")}, "Scale out faster, no limits")
    sale(site)
    assert site.live("checkout", "replicas") == 20
