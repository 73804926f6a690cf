"""ONNX Runtime's own operators in training graphs, described by us: its package does not."""

from __future__ import annotations

from ortviz.record.node_details import OperatorSchema, SchemaParameter

_NOTE = "In ortviz's words: ONNX Runtime's package has no documentation of its own operators."

_Row = tuple[str, str, str]
"""Inputs, outputs and what it does. A name that ends in ``…`` stands for any number, one that ends
in ``?`` may be left out."""

_MICROSOFT: dict[str, _Row] = {
    "ATen": (
        "inputs…",
        "outputs…",
        (
            "Calls PyTorch's own operator, named by the attributes `operator` and `overload_name`. "
            "Nothing around it can be fused with it."
        ),
    ),
    "BatchNormInternal": (
        "X scale B input_mean input_var",
        "Y running_mean? running_var? saved_mean? saved_inv_std?",
        (
            "BatchNormalization in training, which also keeps the batch's mean and inverse "
            "standard deviation for the backward pass."
        ),
    ),
    "BatchNormalizationGrad": (
        "dY X scale saved_mean saved_inv_std",
        "dX dscale dB",
        "Gradients of BatchNormalization.",
    ),
    "BiasDropout": (
        "data bias residual? ratio? training_mode?",
        "output mask?",
        "`Dropout(data + bias) + residual` in one operator.",
    ),
    "BiasFastGeluGrad_dX": (
        "dY X B",
        "dX",
        "Gradient of FastGelu at `X + B`.",
    ),
    "BiasGelu": ("A B", "C", "`Gelu(A + B)` in one operator; B has one axis."),
    "BiasGeluGrad_dX": ("dY X B", "dX", "Gradient of Gelu at `X + B`."),
    "BiasSoftmax": ("data bias", "output", "`Softmax(data + bias)` in one operator."),
    "BroadcastGradientArgs": (
        "a_shape b_shape",
        "a_axes? b_axes?",
        "The axes over which the gradients of two broadcast inputs have to be summed.",
    ),
    "ConcatTraining": (
        "inputs…",
        "concat_result per_input_length?",
        "Concat, which also tells how long each input was so that the gradient can be split.",
    ),
    "ConvGrad": ("dY X W", "dX? dW? dB?", "Gradients of Conv."),
    "ConvTransposeGrad": ("dY X W", "dX? dW? dB?", "Gradients of ConvTranspose."),
    "DivGrad": ("dY A B", "dA? dB?", "Gradients of `A / B`."),
    "DropoutGrad": (
        "dY mask ratio? training_mode?",
        "dX",
        "Gradient of Dropout: dY where the mask kept the element, scaled as in the forward pass.",
    ),
    "FastGelu": (
        "X bias?",
        "Y",
        "Gelu by its approximation with tanh, of `X + bias` where there is a bias.",
    ),
    "FastGeluGrad": ("dY X", "dX", "Gradient of FastGelu."),
    "FusedConv": (
        "X W B? Z?",
        "Y",
        "Conv, plus Z where there is one, then the function named by the attribute `activation`.",
    ),
    "FusedGemm": (
        "A B C?",
        "Y",
        "Gemm, then the function named by the attribute `activation`.",
    ),
    "FusedMatMul": (
        "A B",
        "Y",
        (
            "`alpha * A @ B`; the attributes `transA` and `transB` transpose the last two axes, "
            "`transBatchA` and `transBatchB` the batch axes, which needs no Transpose and no Mul."
        ),
    ),
    "GRUGrad": ("inputs…", "outputs…", "Gradients of GRU."),
    "GRUTraining": (
        "X W R B? sequence_lens? initial_h?",
        "outputs…",
        "GRU, which also keeps its gates for the backward pass.",
    ),
    "GatherElementsGrad": ("dY shape indices", "dX", "Gradient of GatherElements."),
    "GatherGrad": (
        "shape indices dY",
        "dX",
        "Gradient of Gather: adds dY into zeros of `shape` at `indices`.",
    ),
    "GatherNDGrad": ("shape indices update", "output", "Gradient of GatherND."),
    "Gelu": ("X", "Y", "`0.5 * X * (1 + erf(X / sqrt(2)))`."),
    "GeluGrad": ("dY X", "dX", "Gradient of Gelu."),
    "InPlaceAccumulatorV2": (
        "accumulation_buffer new_value overwrite_flag?",
        "updated_flag accumulation_output?",
        "Adds a gradient to what was accumulated before, in place.",
    ),
    "InvertibleLayerNormalizationGrad": (
        "dY Y scale bias inv_std_dev",
        "dX dscale dbias",
        "Gradients of LayerNormalization from its output, so that its input need not be kept.",
    ),
    "LSTMGrad": ("inputs…", "outputs…", "Gradients of LSTM."),
    "LSTMTraining": (
        "X W R B? sequence_lens? initial_h? initial_c? P?",
        "Y? Y_h? Y_c? all_cell_states? iofc?",
        "LSTM, which also keeps its cell states and gates for the backward pass.",
    ),
    "LayerNormalizationGrad": (
        "dY X scale mean inv_std_dev",
        "dX dscale dbias",
        "Gradients of LayerNormalization.",
    ),
    "LeakyReluGrad": ("dY Y", "dX", "Gradient of LeakyRelu."),
    "LogSoftmaxGrad_13": ("dY Y", "dX", "Gradient of LogSoftmax from its output."),
    "PythonOp": (
        "inputs…",
        "outputs…",
        "Runs the forward of a `torch.autograd.Function` in Python.",
    ),
    "PythonOpGrad": (
        "inputs…",
        "outputs…",
        "Runs the backward of a `torch.autograd.Function` in Python.",
    ),
    "QuickGelu": ("X", "Y", "`X * sigmoid(alpha * X)`."),
    "QuickGeluGrad": ("dY X", "dX", "Gradient of QuickGelu."),
    "ReduceSumTraining": ("data axes", "reduced", "ReduceSum with its axes as an input."),
    "ReluGrad": ("dY X", "dX", "Gradient of Relu: dY where X is positive, else 0."),
    "SigmoidGrad": ("dY Y", "dX", "Gradient of Sigmoid from its output."),
    "SimplifiedLayerNormalizationGrad": (
        "dY X scale inv_std_dev",
        "dX dscale",
        "Gradients of LayerNormalization without mean and bias.",
    ),
    "SkipLayerNormalization": (
        "input skip gamma beta? bias?",
        "output mean? inv_std_var? input_skip_bias_sum?",
        "`LayerNormalization(input + skip + bias)` in one operator.",
    ),
    "SliceGrad": (
        "dY shape starts ends axes? steps?",
        "dX",
        "Gradient of Slice: dY put into zeros of `shape`.",
    ),
    "SoftmaxCrossEntropyLossInternal": (
        "scores labels weights? ignore_index?",
        "output log_prob?",
        "Cross-entropy of scores and labels, with the log-probabilities for the backward pass.",
    ),
    "SoftmaxCrossEntropyLossInternalGrad": (
        "dY log_prob label weight? ignore_index? bias?",
        "d_logits",
        "Gradient of SoftmaxCrossEntropyLossInternal with respect to the scores.",
    ),
    "SoftmaxGrad_13": ("dY Y", "dX", "Gradient of Softmax from its output."),
    "SplitTraining": ("input split", "outputs…", "Split with the lengths as an input."),
    "TanhGrad": ("dY Y", "dX", "Gradient of Tanh from its output."),
    "YieldOp": (
        "module_outputs…",
        "module_outputs_grad…",
        (
            "Where the forward pass ends and the backward pass begins: hands the module's outputs "
            "to PyTorch and waits for their gradients."
        ),
    ),
}
_ATEN = {"ATen": _MICROSOFT["ATen"]}
_INSERTED: dict[str, _Row] = {
    "MemcpyFromHost": ("X", "Y", "Copies a tensor from the host's memory to the device's."),
    "MemcpyToHost": ("X", "Y", "Copies a tensor from the device's memory to the host's."),
}
_BY_DOMAIN = {"com.microsoft": _MICROSOFT, "org.pytorch.aten": _ATEN, "": _INSERTED}


def ort_operator(op_type: str, domain: str) -> OperatorSchema | None:
    """What is known here of an operator; None for those that are not in the table."""
    row = _BY_DOMAIN.get(domain, {}).get(op_type)
    if row is None:
        return None
    inputs, outputs, doc = row
    return OperatorSchema(op_type, domain, 0, doc, _NOTE, _formal(inputs), _formal(outputs), ())


def _formal(names: str) -> tuple[SchemaParameter, ...]:
    return tuple(
        SchemaParameter(name.rstrip("?"), "", "", required=not name.endswith(("?", "…")))
        for name in names.split()
    )
