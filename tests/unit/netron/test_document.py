"""Netron as one document: complete, and with nothing to ask for."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest

from ortviz.netron.document import netron_document


@pytest.fixture(scope="module")
def document() -> str:
    return netron_document()


@pytest.fixture(scope="module")
def packed(document: str) -> dict:
    found = re.search(r'id="ortviz-netron" type="application/gzip\+base64">([^<]+)<', document)
    assert found
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def test_nothing_is_loaded_by_address(document):
    loading = re.findall(r'<(?:script|link|img|iframe)[^>]*\s(?:src|href)="([^"]*)"', document)
    assert loading == []
    assert "@import" not in document
    assert "default-src 'none'" in document


def test_every_import_is_in_the_document(packed):
    modules = packed["modules"]
    asked = {
        name
        for code in modules.values()
        for name in re.findall(r"(?:from\s+|import\()'netron/([\w-]+\.js)'", code)
    }
    # Formats that are not ONNX; Netron asks for them only when a file is not one.
    assert asked - set(modules) <= {"hdf5.js", "python.js"}
    assert not any(re.search(r"from\s+'\./", code) for code in modules.values())


def test_operators_are_known_without_their_documentation(packed):
    operators = json.loads(packed["assets"]["onnx-metadata.json"])
    conv = next(entry for entry in operators if entry["name"] == "Conv")
    assert [entry["name"] for entry in conv["inputs"]] == ["X", "W", "B"]
    assert "description" not in conv
    assert all("description" not in entry for entry in conv["attributes"])


def test_the_worker_is_a_plain_script(packed):
    assert not re.search(r"(?m)^(export|import)\b", packed["worker"])
    assert "dagre.layout" in packed["worker"]


def test_it_is_small_and_always_the_same(document):
    assert len(document) < 500_000
    netron_document.cache_clear()
    assert netron_document() == document


def test_it_can_stand_inside_a_script_element(document):
    """No closing tag hides in the scripts, so that each ends where it should."""
    assert document.count("<script") == document.count("</script>")
