"""What ORTModule's messages mean, and what to try."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Why ORTModule gave up.

    Attributes:
        explanation: One sentence or two.
        remedy: What to try, most promising first.
    """

    explanation: str
    remedy: str


_HALF_CHARACTERS = 300
_OUTSIDE = "or leave that part out of the wrapped model and call it in eager PyTorch"

_WITHOUT_AUTOCAST = (
    "Leave autocast off around the wrapped model (the loss may stay under it) and train in "
    "float32, or switch it off inside that module: with torch.autocast(device, enabled=False)"
)

_KNOWN: tuple[tuple[str, Cause], ...] = (
    (
        r"Could not find an implementation for",
        Cause(
            "ONNX Runtime has no kernel for this operation in this dtype. On a CPU that is so "
            "for nearly all operations in bfloat16, which autocast uses there, and for many "
            "gradients in float64 and float16.",
            f"{_WITHOUT_AUTOCAST}. A model in float64 has to train in float32.",
        ),
    ),
    (
        r"bound to different types.*float16",
        Cause(
            "Under autocast this operation gets inputs of two dtypes, which ONNX does not allow; "
            "LayerNorm is known for it.",
            f"{_WITHOUT_AUTOCAST}.",
        ),
    ),
    (
        r"not exist parameter_names",
        Cause(
            "ORTModule's checks, which ORTMODULE_SKIPCHECK_POLICY switched on, fail on every "
            "model with buffers, such as BatchNorm's running statistics.",
            "Leave ORTMODULE_SKIPCHECK_POLICY at its default, or keep modules with buffers out "
            "of the wrapped model.",
        ),
    ),
    (
        r"gradient builder has not been registered",
        Cause(
            "ONNX Runtime can run this operation forward but has no gradient for it.",
            "Use a module whose gradient ORT has (nn.LSTM or nn.GRU in place of nn.RNN), "
            f"{_OUTSIDE}.",
        ),
    ),
    (
        r"ResizeGrad",
        Cause(
            "ONNX Runtime has no gradient for this kind of interpolation (nn.Upsample, "
            "F.interpolate).",
            "Upsample with nn.ConvTranspose2d, or with repeat_interleave for whole factors, "
            f"{_OUTSIDE}.",
        ),
    ),
    (
        r"^AssertionError|symbolic_shape_infer|[Ss]ymbolic shape inference",
        Cause(
            "ORTModule could not follow the shapes through the exported graph; an AssertionError "
            "without a message comes from there. nn.TransformerEncoderLayer and "
            "nn.MultiheadAttention are known for it.",
            "Write attention from nn.Linear and F.scaled_dot_product_attention, which works, "
            f"{_OUTSIDE}.",
        ),
    ),
    (
        r"UnsupportedOperatorError|[Ee]xporting the operator|(supported|implemented).*opset",
        Cause(
            "PyTorch cannot write this operation as ONNX.",
            "Write it with operations ONNX has, or try a newer opset by setting the environment "
            f"variable ORTMODULE_ONNX_OPSET_VERSION before the import, {_OUTSIDE}.",
        ),
    ),
    (
        r"autograd\.Function|PythonOp|torch_interop_utils|CUSTOM_AUTOGRAD",
        Cause(
            "The model uses a custom autograd.Function, which ORTModule 1.19.2 runs only with "
            "torch 2.6 and older.",
            "Use torch 2.6 or older, or write the function with ordinary operations.",
        ),
    ),
    (
        r"data[- ]dependent|[Cc]ontrol flow|TracerWarning|prim::If|prim::Loop|GuardOnData",
        Cause(
            "The forward pass takes another path depending on the values of tensors; an exported "
            "graph has only one.",
            "Write torch.where and masks in place of `if` and `for` over tensor values, "
            f"{_OUTSIDE}.",
        ),
    ),
    (
        r"ORTModuleIOError|(input|output) type|data type .* not supported",
        Cause(
            "The model takes or returns something ORTModule does not accept: only tensors, "
            "numbers, and lists, tuples and dicts of them.",
            "Unpack other objects (dataclasses, custom classes) into tensors before the call and "
            "build them again after it.",
        ),
    ),
    (
        r"ORTModuleDeviceException|same device|on different devices|single device",
        Cause(
            "ORTModule needs the whole model and its inputs on one device.",
            "Move model and inputs to the same device before the first step.",
        ),
    ),
    (
        r"Attempting to deserialize|out of memory|bad_alloc|[Cc]annot allocate",
        Cause(
            "There was not enough memory to export the model or to build its graph.",
            "Use a smaller batch for the first step, or a machine with more memory.",
        ),
    ),
)

_UNKNOWN = Cause(
    "The export to ONNX, or building the gradient graph from it, failed.",
    "Read ORTModule's message in the evidence; it often names the node, and with it the module. "
    f"Write that module with simpler operations, {_OUTSIDE}. "
    "`ortviz doctor` tells whether the installation itself is at fault.",
)


def known_cause(message: str) -> Cause | None:
    """The cause behind ORTModule's message; None when it is not known."""
    return next((cause for pattern, cause in _KNOWN if re.search(pattern, message)), None)


def explain(message: str) -> Cause:
    """The cause behind ORTModule's message; a general one when it is not known."""
    return known_cause(message) or _UNKNOWN


def advice(error: BaseException) -> str:
    """What an error out of ONNX Runtime's own Python code means and what to do.

    Returns:
        A few sentences; empty for any other error, and where the cause is not known.
    """
    cause = known_cause(f"{type(error).__name__}: {error}")
    if cause is None or not _passed_through_ort(error):
        return ""
    return f"ONNX Runtime cannot train this model. {cause.explanation} {cause.remedy}"


def add_advice(error: BaseException) -> None:
    """Have Python 3.11 and newer print :func:`advice` below the error's traceback."""
    said = advice(error)
    if said and hasattr(error, "add_note") and said not in getattr(error, "__notes__", ()):
        error.add_note(said)


def _passed_through_ort(error: BaseException) -> bool:
    return any(
        "onnxruntime" in frame.f_globals.get("__name__", "").split(".")
        for frame, _ in traceback.walk_tb(error.__traceback__)
    )


def essence(message: str) -> str:
    """ORTModule's message on one line, without the C++ signature and condition before it.

    ONNX Runtime begins with its source file, the signature of a function and a condition, ten
    lines of them, and only then says what happened:
    ``RuntimeError: /onnxruntime_src/….cc:31 … was false. The gradient builder has not …``.

    Returns:
        At most some 600 characters; of a longer message the beginning and the end.
    """
    line = " ".join(message.split())
    kind = re.match(r"[\w.]*(?:Error|Exception|Fail|Warning): ", line)
    _, condition, tail = line.rpartition("was false.")
    if condition and tail.strip():
        line = (kind[0] if kind else "") + tail.strip()
    if len(line) > 2 * _HALF_CHARACTERS:
        line = f"{line[:_HALF_CHARACTERS]} … {line[-_HALF_CHARACTERS:]}"
    return line
