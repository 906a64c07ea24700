"""What a newcomer meets: a home that is there already, none at all, a port in use, a package that is not installed."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.bootstrap.create import Request, create
from reconciler.bootstrap.run import _listen
from reconciler.cli import main
from reconciler.cli.demo_voice import Voice
from reconciler.errors import Misconfigured
from reconciler.model.home import Home
from reconciler.settings import Settings, WebSettings

WITHOUT_CLIENT = "import sys; sys.modules['kubernetes'] = None; from reconciler.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize("words", [("bootstrap",), ("adopt", "shop", "--unit", "shop", "--out", "apps")])
def test_a_verb_for_clusters_says_what_to_install(words: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CLIENT, *words], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 78
    assert "needs the package kubernetes, which is not installed (`make clusters`" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_home_says_how_one_is_made_and_how_another_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--home", str(tmp_path / "none")]) == 78
    assert "`homeostat init` makes one; --home or HOMEOSTAT_HOME names another" in capsys.readouterr().err


def test_a_second_init_says_that_the_home_is_there(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    create(home, Request())
    before = home.settings.read_bytes()
    with pytest.raises(Misconfigured, match=r"there is a home folder already \(`homeostat up` runs it"):
        create(home, Request())
    assert home.settings.read_bytes() == before


def test_init_writes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(Misconfigured, match="the home folder is not empty"):
        create(Home(tmp_path), Request())


def test_a_port_in_use_names_the_file_that_chooses_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(web=WebSettings(port=taken.getsockname()[1]))
        with pytest.raises(Misconfigured, match=r"settings\.yaml: cannot listen on .*write another port there"):
            _listen(Home(tmp_path), settings)


def test_what_the_system_refuses_is_one_sentence_and_no_stack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["--home", str(tmp_path / "file" / "home"), "init"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("homeostat init: ")
    assert "Not a directory (--verbose shows where)" in said
    with pytest.raises(NotADirectoryError):
        main(["--verbose", "--home", str(tmp_path / "file" / "home"), "init"])


def test_a_terminal_that_wants_no_colour_gets_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    Voice().act(1, "A bad release")
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.delenv("NO_COLOR")
    Voice().act(1, "A bad release")
    assert "\x1b[1mAct 1" in capsys.readouterr().out


def test_a_narrow_terminal_cuts_the_moving_line_and_not_the_end_of_its_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.delenv("NO_COLOR", raising=False)
    Voice().progress("waiting for the very long name of something")
    assert capsys.readouterr().out == "\r\x1b[K\x1b[2m  … waiting for the\x1b[0m"
