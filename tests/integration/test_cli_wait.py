"""Waiting for units: what is so already returns at once, what does not come in time says what was missing."""

from __future__ import annotations

import threading

import pytest
from installation import CHECKOUT, GOOD, Installation

from reconciler.cli import main, wait
from reconciler.model.revisions import Health, HealthState


def run(site: Installation, *arguments: str) -> int:
    lab = site.home.settings.read_text().replace("port: 0", f"port: {site.lab_url.rsplit(':', 1)[1]}")
    site.home.settings.write_text(lab)
    site.system.world.publish()
    return main(["--home", str(site.home.root), "wait", *arguments])


def test_what_is_applied_returns_at_once(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, "shop", "--for", f"applied={site.head()[:8]}") == 0
    assert capsys.readouterr().out.startswith("shop: applied=")


def test_a_commit_that_is_not_applied_in_time_is_exit_code_75(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    pushed = site.push({CHECKOUT: (GOOD, "1.4.3")})
    assert run(site, "--for", "applied", "--timeout", "1ms") == 75
    told = capsys.readouterr().err
    assert f"waiting for {pushed[:12]} to be followed" in told
    assert "not applied after 1ms" in told


def test_a_commit_that_is_applied_meanwhile_is_noticed(site: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    site.push({CHECKOUT: (GOOD, "1.4.3")})
    codes: list[int] = []
    waiting = threading.Thread(target=lambda: codes.append(run(site, "shop", "--for", "applied", "--timeout", "1m")))
    waiting.start()
    site.settle()
    site.system.world.publish()
    waiting.join(timeout=30)
    assert codes == [0]


@pytest.mark.parametrize("wish", ["fine", "applied=ffffffff", "healthy=1"])
def test_what_cannot_be_waited_for_is_refused(site: Installation, capsys: pytest.CaptureFixture[str], wish: str) -> None:
    assert run(site, "--for", wish) == 1
    assert "write healthy, applied or applied=COMMIT" in (told := capsys.readouterr().err) or "begin with 'ffffffff'" in told


class Told:
    """A target of which nothing is known but health."""

    def __init__(self, *found: Health) -> None:
        self.found = found

    def health(self, _unit: str) -> tuple[Health, ...]:
        return self.found


@pytest.mark.parametrize(
    ("state", "code", "told"),
    [
        (HealthState.HEALTHY, 0, ""),
        (HealthState.SUSPENDED, 0, ""),
        (HealthState.DEGRADED, 75, "waiting for Service/web is degraded: no"),
        (HealthState.MISSING, 75, "waiting for Service/web is missing: no"),
    ],
)
def test_only_what_is_healthy_or_suspended_is_enough(
    site: Installation,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    state: HealthState,
    code: int,
    told: str,
) -> None:
    monkeypatch.setattr("reconciler.steps.looking.target_of", lambda _w, _u: Told(Health("Service/web", state, "no")))
    assert run(site, "shop", "--timeout", "1ms") == code
    assert told in capsys.readouterr().err


def test_ctrl_c_ends_it_cleanly(site: Installation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(wait, "_until", pressed)
    assert run(site, "shop") == 130
    assert capsys.readouterr().err == "stopped\n"
