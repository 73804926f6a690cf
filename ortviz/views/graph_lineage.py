"""The answer to ``graph_lineage``: one stage against the one before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ortviz.protocol.codec import Buffers
from ortviz.protocol.graph_messages import GraphLineageView
from ortviz.protocol.graph_messages import LineageSentence as SentenceRow
from ortviz.record import LineageSentence, LinkKind, NodeFate, StageLineage

MAX_SENTENCE_NODES = 200
"""Nodes of each stage that a sentence names; its count says how many there were."""


def graph_lineage_view(lineage: StageLineage, buffers: Buffers) -> GraphLineageView:
    """Links, kinds and evidence as columns, and what happened in words.

    Args:
        lineage: Of one stage.
        buffers: Takes the columns.
    """
    kinds = list(LinkKind)
    fates = (*lineage.nodes, *lineage.previous_nodes)
    evidences = list(dict.fromkeys(fate.evidence for fate in fates))
    links = np.array(lineage.links, dtype=np.int32).reshape(-1, 2)

    def kind_codes(fates: Sequence[NodeFate]) -> np.ndarray:
        codes = {kind: code for code, kind in enumerate(kinds)}
        return np.array([codes[fate.kind] for fate in fates], dtype=np.uint8)

    def evidence_codes(fates: Sequence[NodeFate]) -> np.ndarray:
        codes = {evidence: code for code, evidence in enumerate(evidences)}
        return np.array([codes[fate.evidence] for fate in fates], dtype=np.uint8)

    return {
        "mode": lineage.mode.value,
        "stage": lineage.stage.value,
        "previous": None if lineage.previous is None else lineage.previous.value,
        "kinds": [kind.value for kind in kinds],
        "evidences": evidences,
        "link_from": buffers.add(links[:, 0]),
        "link_to": buffers.add(links[:, 1]),
        "node_kind": buffers.add(kind_codes(lineage.nodes)),
        "node_evidence": buffers.add(evidence_codes(lineage.nodes)),
        "previous_kind": buffers.add(kind_codes(lineage.previous_nodes)),
        "previous_evidence": buffers.add(evidence_codes(lineage.previous_nodes)),
        "sentences": [_sentence_row(sentence) for sentence in lineage.sentences],
    }


def _sentence_row(sentence: LineageSentence) -> SentenceRow:
    return {
        "kind": sentence.kind.value,
        "text": sentence.text,
        "count": sentence.count,
        "nodes": list(sentence.nodes[:MAX_SENTENCE_NODES]),
        "previous_nodes": list(sentence.previous_nodes[:MAX_SENTENCE_NODES]),
    }
