/** What an operator is for. */
export type OpClass =
  | "matmul"
  | "elementwise"
  | "normalisation"
  | "reduction"
  | "shape"
  | "activation"
  | "loss"
  | "gradient"
  | "control"
  | "other";

const NAMES: Record<Exclude<OpClass, "other">, string> = {
  matmul:
    "MatMul Gemm Einsum Conv ConvTranspose Attention MultiHeadAttention GroupQueryAttention " +
    "QAttention DecoderMaskedMultiHeadAttention SparseAttention LSTM GRU RNN LSTMTraining " +
    "GRUTraining TransposeMatMul FusedMatMul FusedGemm MatMulNBits QGemm DeformConv",
  elementwise:
    "Add Sub Mul Div Neg Abs Pow Sqrt Exp Log Sum Max Min Mean Mod Where Clip Erf Reciprocal Floor " +
    "Ceil Round Sign Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh And Or Xor Not Equal " +
    "Greater GreaterOrEqual Less LessOrEqual IsNaN IsInf IsAllFinite IsFinite BitShift BitwiseAnd " +
    "BitwiseOr BitwiseXor BitwiseNot Scale Dropout BiasDropout BitmaskDropout BitmaskBiasDropout " +
    "RotaryEmbedding RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli " +
    "Multinomial MixedPrecisionScale",
  normalisation:
    "LayerNormalization SimplifiedLayerNormalization SkipLayerNormalization " +
    "SkipSimplifiedLayerNormalization EmbedLayerNormalization BatchNormalization " +
    "BatchNormInternal InstanceNormalization GroupNormalization GroupNorm SkipGroupNorm " +
    "LpNormalization MeanVarianceNormalization RMSNormalization LRN",
  reduction:
    "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum " +
    "ReduceLogSumExp ReduceSumSquare ReduceSumTraining ReduceAllL2 ArgMax ArgMin TopK CumSum MaxPool " +
    "AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool AdaptiveAveragePool Det",
  shape:
    "Reshape Transpose Squeeze Unsqueeze Concat ConcatTraining Split SplitTraining Slice Gather " +
    "GatherElements GatherND Scatter ScatterElements ScatterND Expand Tile Pad Shape Size Flatten " +
    "Identity Cast CastLike Constant ConstantOfShape Range Resize Upsample DepthToSpace " +
    "SpaceToDepth OneHot NonZero Compress Unique ReverseSequence EyeLike Trilu MemcpyFromHost " +
    "MemcpyToHost ShrunkenGather PadAndUnflatten FlattenAndUnpad QuantizeLinear DequantizeLinear " +
    "DynamicQuantizeLinear ZeroGradient PassThrough Col2Im Im2Col",
  activation:
    "Relu LeakyRelu PRelu ThresholdedRelu Gelu FastGelu BiasGelu QuickGelu Sigmoid HardSigmoid Tanh " +
    "Softmax LogSoftmax Hardmax BiasSoftmax Elu Selu Celu Softplus Softsign HardSwish Swish Mish Shrink",
  loss: "SoftmaxCrossEntropyLoss SoftmaxCrossEntropyLossInternal SoftmaxCrossEntropy NegativeLogLikelihoodLoss",
  gradient: "InPlaceAccumulator InPlaceAccumulatorV2",
  control:
    "If Loop Scan YieldOp SequenceMap RecordEvent WaitEvent Group BarrierOp SequenceConstruct " +
    "SequenceAt SequenceEmpty SequenceInsert SequenceErase SequenceLength SplitToSequence " +
    "ConcatFromSequence Optional OptionalGetElement OptionalHasElement PythonOp",
};

const KNOWN = new Map<string, OpClass>(
  Object.entries(NAMES).flatMap(([kind, names]) =>
    names.split(" ").map((name): [string, OpClass] => [name, kind as OpClass]),
  ),
);

/** For operators of other versions and domains, in this order. */
const PATTERNS: readonly (readonly [RegExp, OpClass])[] = [
  [/Grad(ient)?(_?V?\d+)?$|Grad(ient)?Builder|Optimizer|Accumulat/, "gradient"],
  [/Loss/, "loss"],
  [/Norm(alization)?/, "normalisation"],
  [/MatMul|Gemm|Conv|Attention|LSTM|GRU/, "matmul"],
  [/^Reduce|Pool/, "reduction"],
  [/elu$|Softmax|Sigmoid/, "activation"],
];

/** The class of an operator, by its name alone; fused ones by what costs most in them. */
export function opClass(opType: string): OpClass {
  const known = KNOWN.get(opType);
  if (known !== undefined) return known;
  return PATTERNS.find(([pattern]) => pattern.test(opType))?.[1] ?? "other";
}
