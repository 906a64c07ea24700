"""The pages over real HTTP, on a real repair that waits for a person: what they show, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import Browser, Door, said, served, waiting_repair
from installation import Installation, installation

from reconciler.console.logins import make_login
from reconciler.model.records import RecordKind

PATHS = (
    "/",
    "/pr",
    "/pr/1",
    "/log",
    "/log/0",
    "/brakes",
    "/units",
    "/units/shop?plan=1",
    "/panic?since=1h",
    "/incidents/{incident}",
)
HOSTILE = "<script>alert(1)</script>\u202e</b>"
RUNBOOK = f"# checkout release {HOSTILE}\n\nRoll the release of checkout back. {HOSTILE}\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder: Path = tmp_path_factory.mktemp("console")
    with installation(folder) as site:
        site.add(
            "runbooks/evil.md", f"# checkout release {HOSTILE}\n\nRoll the release of checkout back. {HOSTILE}\n", "Write it down"
        )
        waiting_repair(site)
        world = site.system.world
        world.keep(world.record(RecordKind.ALARM, "hostile", {"why": HOSTILE}, subject=HOSTILE, incident="inc-<b>x"))
        world.publish()
        with served(site) as door:
            yield door


@pytest.fixture
def stranger(shop: Door) -> Browser:
    return shop.browser()


@pytest.fixture
def ada(shop: Door) -> Browser:
    return shop.browser().login()


def paths(site: Installation) -> list[str]:
    return [path.format(incident=site.cases()[0].id) for path in PATHS]


class Outline(HTMLParser):
    """What keyboard, screen reader and content policy depend on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


def test_the_first_page_says_what_waits_and_how_the_cases_stand(ada: Browser):
    text = said(ada.get("/"))
    assert "#1 checkout: release 1.5.0 -> 1.4.2" in text
    assert "waits for a person" in text
    assert "pull request 1: review (autonomy)" in text
    assert "settled" in text


def test_the_first_page_renews_itself_only_when_asked_to(ada: Browser):
    assert "http-equiv" not in ada.get("/").text
    assert '<meta http-equiv="refresh" content="10">' in ada.get("/?live=1").text


def test_a_repair_shows_its_story_its_diff_and_the_whole_requirement_table(ada: Browser):
    text = said(ada.get("/pr/1"))
    pull = ada.site.system.world.forge.get(1)
    assert pull is not None
    assert "Seen before not seen before" in text
    for part in (*pull.narrative.evidence, pull.narrative.predicted, pull.narrative.blast_radius, pull.narrative.undo):
        assert part in text
    assert '- release: "1.5.0"' in text
    assert '+ release: "1.4.2"' in text
    for row in pull.requirements:
        assert row.name in text
        assert row.expression in text


def test_a_repair_shows_what_is_missing_with_the_command_that_supplies_it(ada: Browser):
    pull = ada.site.system.world.forge.get(1)
    assert pull is not None
    text = said(ada.get("/pr/1"))
    missing = [row for row in pull.requirements if not row.passes]
    assert missing
    assert all(row.missing in text and row.command in text for row in missing)
    assert f"homeostat pr approve 1 --head {pull.head[:12]} --as ada" in text


def test_a_repair_shows_the_votes_that_the_verdict_was_made_from(ada: Browser):
    text = said(ada.get("/pr/1"))
    assert "causal-evidence causal approve" in text
    assert "past-outcomes outcomes abstain" in text


def test_an_incident_tells_signals_diagnosis_proposal_votes_and_verdict_in_order(ada: Browser):
    text = said(ada.get(f"/incidents/{ada.site.cases()[0].id}"))
    order = [
        "1 signal about checkout",
        "Causes, most likely first",
        "not seen before",
        "runbooks/evil.md:3, checkout release",
        "Evidence of success",
        "votes: causal-evidence",
        "verdict: review",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)


def test_the_log_is_shown_newest_first_and_by_kind(ada: Browser):
    size = ada.site.system.world.log.size
    text = ada.get("/log").text
    assert f"/log/{size - 1}" in text
    only = ada.get("/log?kind=verdict").text
    assert "verdict: review" in said(ada.get("/log?kind=verdict"))
    assert '<td data-label="kind">verdict</td>' in only
    assert '<td data-label="kind">apply</td>' not in only


def test_a_record_is_shown_as_it_was_signed(ada: Browser):
    entry = ada.site.system.world.log.entry(0)
    assert entry.record.id in said(ada.get("/log/0"))


@pytest.mark.parametrize(
    "path", ["/pr/99", "/log/99999", "/incidents/inc-none", "/log?kind=gossip", "/pr?state=odd", "/pr?page=-1", "/panic?since=9y"]
)
def test_what_is_not_there_is_a_page_that_says_so(ada: Browser, path: str):
    answer = ada.get(path)
    assert answer.status_code == 404
    assert "That did not work" in said(answer)


def test_a_mistyped_address_is_a_page_for_people_and_a_word_for_programs(stranger: Browser):
    answer = stranger.get("/unit/<b>shop", accept="text/html,*/*")
    assert (answer.status_code, "there is no page at this address" in said(answer)) == (404, True)
    assert "<b>shop" not in answer.text
    plain = stranger.get("/unit/shop", accept="*/*")
    assert (plain.status_code, plain.json()) == (404, {"detail": "Not Found"})


def test_hostile_text_stays_text_on_every_page_that_shows_it(ada: Browser):
    at = ada.site.system.world.log.size - 1
    for path in ("/", "/log", f"/log/{at}", "/incidents/inc-%3Cb%3Ex", "/pr/1", f"/incidents/{ada.site.cases()[0].id}"):
        text = ada.get(path).text
        assert "<script" not in text
        assert "\u202e" not in text
        assert "&lt;script&gt;" in text


def test_every_page_can_be_used_with_a_keyboard_and_a_screen_reader(ada: Browser):
    for path in paths(ada.site):
        outline = Outline(ada.get(path).text)
        assert outline.of("html")[0]["lang"] == "en"
        assert len(outline.of("h1")) == 1, path
        assert outline.of("a")[0]["href"] == "#main"
        assert outline.of("main")[0]["id"] == "main"
        labelled = {label.get("for") for label in outline.of("label")}
        fields = [f for f in outline.of("input", "select", "textarea") if f.get("type") not in ("hidden", "checkbox")]
        assert all(field["id"] in labelled for field in fields), path
        assert all("scope" in head for head in outline.of("th")), path
        ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), path


def test_no_page_needs_scripting_or_anything_that_the_policy_forbids(ada: Browser):
    for path in paths(ada.site):
        answer = ada.get(path)
        outline = Outline(answer.text)
        assert not outline.of("script", "style", "iframe", "object")
        assert not any(name.startswith("on") or name == "style" for _, attrs in outline.tags for name in attrs), path
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_every_answer_forbids_framing_sniffing_and_keeping(ada: Browser, stranger: Browser):
    answers = [
        ada.get("/"),
        stranger.get("/"),
        ada.get("/pr/99"),
        stranger.get("/", Host="evil.example"),
        ada.post("/brakes", {}),
    ]
    for answer in answers:
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_the_style_sheet_needs_no_login_and_covers_dark_and_narrow_screens(stranger: Browser):
    answer = stranger.get("/static/console.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in answer.text
    assert "max-width: 44rem" in answer.text
    assert ":focus-visible" in answer.text


def test_a_stranger_reads_nothing_and_is_told_how_to_log_in(stranger: Browser):
    for path in paths(stranger.site):
        answer = stranger.get(path)
        assert answer.status_code == 401
        assert "homeostat login --as NAME" in said(answer)
        assert "checkout" not in said(answer)


def test_a_link_from_another_site_offers_to_open_the_page_again(stranger: Browser):
    assert '<a href="/pr/1">' in stranger.get("/pr/1", **{"Sec-Fetch-Site": "cross-site"}).text


def test_opening_a_login_link_does_not_spend_it_and_using_it_does(stranger: Browser):
    token = make_login(stranger.site.home, "ada", stranger.site.clock.wall())
    for _ in range(2):
        assert "Log in as ada" in said(stranger.get(f"/login?token={token}"))
    assert stranger.post("/login", {"token": token}).status_code == 303
    assert stranger.get("/").status_code == 200
    assert stranger.post("/login", {"token": token, "csrf": stranger.csrf()}).status_code == 403


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Browser):
    token = make_login(stranger.site.home, "ada", stranger.site.clock.wall())
    cookie = stranger.post("/login", {"token": token}).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_logging_out_ends_the_session_on_the_server(ada: Browser):
    kept = dict(ada.client.cookies)
    assert ada.send("/logout").status_code == 303
    ada.client.cookies.update(kept)
    assert ada.get("/").status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:80", "localhost.evil.example", ""])
def test_a_rebound_name_or_another_port_is_refused(ada: Browser, host: str):
    answer = ada.get("/", Host=host)
    assert answer.status_code in (400, 403)
    assert "checkout" not in answer.text


def test_localhost_is_our_name_too(ada: Browser):
    port = ada.base.rsplit(":", 1)[1]
    assert (
        ada.get("/", Host=f"localhost:{port}", Cookie=f"homeostat_session={ada.client.cookies['homeostat_session']}").status_code
        == 200
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_post_from_another_page_is_refused_even_from_localhost(ada: Browser, headers: dict[str, str]):
    before = ada.site.system.world.log.size
    answer = ada.post("/brakes", {"csrf": ada.csrf(), "reason": "x", "duration": "1h"}, **headers)
    assert answer.status_code == 403
    assert "another page" in said(answer)
    assert ada.site.system.world.log.size == before


@pytest.mark.parametrize("token", ["", "wrong", "ünïcode"])
def test_a_form_without_the_sessions_own_token_is_refused(ada: Browser, token: str):
    before = ada.site.system.world.log.size
    answer = ada.post("/brakes", {"csrf": token, "reason": "x", "duration": "1h"})
    assert answer.status_code == 403
    assert "not from your session" in said(answer)
    assert ada.site.system.world.log.size == before


def test_the_token_of_another_session_is_refused(ada: Browser, shop: Door):
    other = shop.browser().login()
    assert ada.post("/brakes", {"csrf": other.csrf(), "reason": "x", "duration": "1h"}).status_code == 403


def test_a_body_that_is_no_small_form_is_refused(ada: Browser):
    assert ada.post("/brakes", {"reason": "x" * 20_000}).status_code == 413
    assert ada.post("/brakes", {f"f{i}": "" for i in range(50)}).status_code == 400
    headers = {"Origin": ada.base, "Content-Type": "text/plain"}
    assert ada.client.post("/brakes", content="csrf=x", headers=headers).status_code == 415
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    assert ada.client.post("/brakes", content="csrf=x&csrf=y", headers=headers).status_code == 400
    assert ada.client.post("/brakes", content=b"csrf=\xff", headers=headers).status_code == 400


def test_a_principal_that_trust_does_not_know_is_nobody(shop: Door):
    browser = shop.browser().login("mallory")
    assert browser.get("/").status_code == 401


def test_wrong_links_are_slowed_down(shop: Door):
    with served(shop.site) as door:  # its own server: the bucket is shared by everybody
        browser = door.browser()
        statuses = [browser.get("/login?token=guess").status_code for _ in range(12)]
        assert statuses[0] == 403
        assert statuses[-1] == 429
        good = make_login(door.site.home, "ada", door.site.clock.wall())
        assert browser.post("/login", {"token": good}).status_code == 429


def test_a_review_of_another_head_than_the_present_one_is_refused(ada: Browser):
    number = 1
    head = ada.site.system.world.forge.get(number).head
    assert ada.send(f"/pr/{number}/review", choice="approve", head="f" * 40).status_code == 409
    assert ada.send(f"/pr/{number}/review", choice="approve", head=head[:12]).status_code == 400
    assert ada.send(f"/pr/{number}/review", choice="bless", head=head).status_code == 400
    assert ada.site.system.world.forge.get(number).reviews == ()


@pytest.mark.parametrize("form", [{"reason": "", "duration": "1h"}, {"reason": "x", "duration": "99y"}, {}])
def test_a_brake_without_reason_or_duration_is_refused(ada: Browser, form: dict[str, str]):
    assert ada.send("/brakes", **form).status_code == 400


def test_what_is_not_in_force_cannot_be_lifted(ada: Browser):
    assert ada.send("/brakes/off", id="brake-none").status_code == 409
    assert ada.send("/holds/release", id="hold-none").status_code == 409
