"""Plain frozen data and the run file. The bottom of the house: imports no other room."""

from ortviz.record.checks import TapCheck
from ortviz.record.comparisons import ErrorOrigin, SiteComparison, StepComparison, Verdict
from ortviz.record.findings import Finding, Problem, Severity, View
from ortviz.record.graphs import ORTMODULE_STAGES, GraphRecord, Half, NodeRecord, Stage
from ortviz.record.histograms import Histogram
from ortviz.record.keeping import Keeping, KeepRules, KeptTensor, RawTensor
from ortviz.record.lineage import LineageSentence, LinkKind, NodeFate, StageLineage
from ortviz.record.node_details import (
    AttributeDetails,
    NodeDetails,
    OperatorSchema,
    SchemaParameter,
    ValueDetails,
    ValueKind,
)
from ortviz.record.node_times import NodeTime, NodeTimes
from ortviz.record.reruns import ArgumentTree, Rerunnable, RerunRecord
from ortviz.record.runs import (
    EventKind,
    Level,
    ModuleRecord,
    ParameterRecord,
    RunEvent,
    RunInfo,
    RunStatus,
    ToleranceRule,
)
from ortviz.record.sink import Sink
from ortviz.record.sites import Direction, Site
from ortviz.record.steps import (
    FunctionCall,
    GradientArrival,
    HookEvent,
    LossObservation,
    LossRecord,
    MaskCounts,
    MaskedElement,
    Mode,
    Side,
    SiteRecord,
    SiteStatus,
    StepCapture,
    StepLosses,
    StepRecord,
)
from ortviz.record.structures import GraphStructure, GroupKind, GroupRecord
from ortviz.record.tensors import TensorStats
from ortviz.record.verify import Verify

__all__ = [
    "ORTMODULE_STAGES",
    "ArgumentTree",
    "AttributeDetails",
    "Direction",
    "ErrorOrigin",
    "EventKind",
    "Finding",
    "FunctionCall",
    "GradientArrival",
    "GraphRecord",
    "GraphStructure",
    "GroupKind",
    "GroupRecord",
    "Half",
    "Histogram",
    "HookEvent",
    "KeepRules",
    "Keeping",
    "KeptTensor",
    "Level",
    "LineageSentence",
    "LinkKind",
    "LossObservation",
    "LossRecord",
    "MaskCounts",
    "MaskedElement",
    "Mode",
    "ModuleRecord",
    "NodeDetails",
    "NodeFate",
    "NodeRecord",
    "NodeTime",
    "NodeTimes",
    "OperatorSchema",
    "ParameterRecord",
    "Problem",
    "RawTensor",
    "RerunRecord",
    "Rerunnable",
    "RunEvent",
    "RunInfo",
    "RunStatus",
    "SchemaParameter",
    "Severity",
    "Side",
    "Sink",
    "Site",
    "SiteComparison",
    "SiteRecord",
    "SiteStatus",
    "Stage",
    "StageLineage",
    "StepCapture",
    "StepComparison",
    "StepLosses",
    "StepRecord",
    "TapCheck",
    "TensorStats",
    "ToleranceRule",
    "ValueDetails",
    "ValueKind",
    "Verdict",
    "Verify",
    "View",
]
