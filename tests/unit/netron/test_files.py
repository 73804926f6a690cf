"""What is changed in Netron's files, on the Netron that is installed."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest

from ortviz.errors import EnvironmentProblem
from ortviz.netron import files


def text(name: str) -> str:
    content = files.read_file(name, datetime(2031, 5, 6, tzinfo=timezone.utc))
    assert content is not None
    return content.decode("utf-8")


def test_the_page_is_not_packaged_and_released_today():
    page = text("index.html")
    assert re.findall(r'<meta name="version" content="([^"]*)">', page) == ["0.0.0"]
    assert re.findall(r'<meta name="date" content="([^"]*)">', page) == ["2031-05-06 00:00:00"]


def test_the_shim_runs_before_netron():
    page = text("index.html")
    assert 0 < page.index(files.SHIM_NAME) < page.index('src="index.js"')
    assert "consent=1" in text(files.SHIM_NAME)


@pytest.mark.parametrize("name", ["base.js", "browser.js"])
def test_addresses_that_netron_would_ask_unbidden_are_gone(name):
    original = (files.netron_folder() / name).read_text(encoding="utf-8")
    unbidden = r"https://(ipinfo\.io|analytics\.google\.com)"
    assert re.search(unbidden, original)
    assert not re.search(unbidden, text(name))


def test_documentation_of_operators_is_not_fetched_anew_each_time():
    assert "getTime()}`;\n            const request = this._request(" not in text("browser.js")
    assert f"`v={files.netron_version()}`" in text("browser.js")


def test_other_files_are_as_installed():
    original = (files.netron_folder() / "grapher.js").read_bytes()
    assert files.read_file("grapher.js") == original


@pytest.mark.parametrize("name", ["", ".", "..", "a/view.js", "../view.js", "server.py", "no.js"])
def test_what_is_not_for_browsers_is_not_given(name):
    assert files.read_file(name) is None


def test_a_netron_with_another_page_is_refused_in_words(monkeypatch, tmp_path):
    (tmp_path / "index.html").write_text("<html></html>")
    monkeypatch.setattr(files, "netron_folder", lambda: tmp_path)
    with pytest.raises(EnvironmentProblem, match=r"index\.html.*pip install netron=="):
        files.read_file("index.html")
