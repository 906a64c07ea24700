"""A suspended unit on the page: seen on the overview, told what it means, resumed there."""

from __future__ import annotations

from browser import said, served
from installation import CHECKOUT, Installation

from reconciler.commands.brakes import suspend


def test_the_page_says_what_is_suspended_and_resumes_it(site: Installation) -> None:
    made = suspend(site.system.world, site.person(), "shop", "moving the database", 3_600_000)
    site.push({CHECKOUT: ("replicas: 3", "replicas: 4")}, "More checkout")
    site.advance(10)
    with served(site) as door:
        ada = door.browser().login()
        home = said(ada.get("/"))
        assert "Unit shop is suspended: moving the database" in home
        assert "Nothing of it is applied, corrected or deleted" in home
        assert "unit shop is suspended" in said(ada.get("/brakes"))
        assert "which suspends unit shop" in said(ada.get("/log"))
        assert ada.send("/brakes/off", id=made.id).status_code == 303
        assert "is suspended" not in said(ada.get("/"))
    site.advance(20)
    assert site.live("checkout", "replicas") == 4
