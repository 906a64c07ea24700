"""The healer's own words: structured, redacted logs and a heartbeat that somebody outside can miss."""

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from reconciler.audit.redact import Redactor
from reconciler.bootstrap import run
from reconciler.bootstrap.heart import Heart
from reconciler.bootstrap.logs import JsonLines
from reconciler.errors import Permanent


def line(message, fields, secrets=()):
    record = logging.LogRecord("reconciler.x", logging.INFO, __file__, 1, message, (), None)
    record.fields = fields
    return JsonLines(Redactor(secrets)).format(record)


def test_a_log_line_is_one_json_object_with_a_constant_event_name():
    told = json.loads(line("case.step", {"case": "inc-1", "to": "guard"}))
    assert (told["event"], told["case"], told["to"], told["level"]) == ("case.step", "inc-1", "guard", "info")


def test_a_known_secret_never_reaches_the_log():
    assert "hunter2hunter2" not in line("case.step", {"detail": "said hunter2hunter2 twice"}, ("hunter2hunter2",))


def test_control_characters_are_shown_and_not_obeyed():
    assert "\x1b" not in line("case.step", {"detail": "\x1b[2Jgone"})


@pytest.fixture
def receiver():
    beats, came = [], threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            beats.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            came.set()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", beats, came
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_beat_reaches_whoever_listens_outside(receiver):
    url, beats, came = receiver
    Heart(url).beat(7)
    assert came.wait(5)
    assert beats == [{"homeostat": "alive", "turns": 7}]


def test_a_receiver_that_is_gone_costs_a_log_line_and_nothing_else(caplog):
    heart = Heart("http://127.0.0.1:9/")
    heart.beat(1)
    for thread in threading.enumerate():
        if thread.name == "heart":
            thread.join(5)
    assert "heartbeat.lost" in caplog.text


def test_nothing_starts_while_a_policy_guard_lets_a_seeded_violation_through(monkeypatch):
    monkeypatch.setattr(run, "self_test", lambda: ("limits: let 40 replicas through",))
    with pytest.raises(Permanent, match="guards do not hold"):
        run.require_guards()


def test_the_guards_of_this_release_hold():
    run.require_guards()
