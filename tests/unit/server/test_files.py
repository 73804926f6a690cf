"""Netron's files and the bundles: who may have them, under which policy, and how they are kept."""

from __future__ import annotations

import re

import pytest

from ortviz.server.routes import BUNDLES


def test_netron_page_is_changed_and_forbids_outside_requests(client):
    answer = client.get("ortviz/netron/index.html")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert 'name="version" content="0.0.0"' in answer.text
    assert 'src="ortviz-shim.js"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self' blob: data: 'unsafe-inline' 'unsafe-eval'" in policy
    assert "sandbox" not in policy
    assert not re.search(r"https?://", policy)


def test_netron_is_there_without_a_file_name(client):
    assert client.get("ortviz/netron/").text == client.get("ortviz/netron/index.html").text


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("view.js", "text/javascript"),
        ("ortviz-shim.js", "text/javascript"),
        ("grapher.css", "text/css"),
        ("onnx-metadata.json", "application/json"),
        ("icon.png", "image/png"),
    ],
)
def test_files_have_their_media_type(client, name, media_type):
    answer = client.get(f"ortviz/netron/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert len(answer.content) > 0


@pytest.mark.parametrize(
    "name",
    [
        "server.py",
        "__init__.py",
        "nothing.js",
        "../netron/view.js",
        "%2e%2e/%2e%2e/jupyter_server/static/favicon.ico",
        "..%2F..%2Fpip%2F__init__.py",
        "%2Fetc%2Fpasswd",
        "/etc/passwd",
        ".",
    ],
)
@pytest.mark.parametrize("room", ["netron", "static"])
def test_nothing_else_can_be_reached(client, room, name):
    answer = client.get(f"ortviz/{room}/{name}")
    assert answer.status_code == 404 or str(answer.url).endswith("/netron/view.js")


@pytest.mark.parametrize("path", ["ortviz/netron/index.html", "ortviz/static/widget.js"])
def test_strangers_are_sent_to_the_login(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code in (302, 403)
    if answer.status_code == 302:
        assert "/user/ada/login" in answer.headers["location"]


def test_nothing_is_served_outside_the_base_url(server, client):
    outside = server.url.replace("/user/ada/", "/ortviz/netron/index.html")
    assert client.get(outside).status_code == 404


def test_an_unchanged_file_costs_no_body(client):
    first = client.get("ortviz/netron/view.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("ortviz/netron/view.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_bundle_under_its_hash_is_kept_for_good(client):
    bundle = BUNDLES / "widget.js"
    if not bundle.exists():
        pytest.fail("The widget is not built. Run: make setup")
    plain = client.get("ortviz/static/widget.js")
    assert plain.content == bundle.read_bytes()
    assert plain.headers["cache-control"] == "no-cache"
    hashed = client.get("ortviz/static/widget.js", params={"v": "0123456789abcdef"})
    assert "immutable" in hashed.headers["cache-control"]


def test_a_module_without_referer_is_served(client):
    del client.headers["referer"]
    assert client.get("ortviz/netron/view.js").status_code == 200
