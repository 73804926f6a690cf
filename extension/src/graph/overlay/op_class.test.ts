import { describe, expect, it } from "vitest";
import { opClass } from "./op_class";

describe("opClass", () => {
  it.each([
    ["Gemm", "matmul"],
    ["FusedMatMulActivation", "matmul"],
    ["QLinearConv", "matmul"],
    ["BiasGelu", "activation"],
    ["Dropout", "elementwise"],
    ["SkipLayerNormalization", "normalisation"],
    ["LayerNormalizationGrad", "gradient"],
    ["SoftmaxGrad_13", "gradient"],
    ["GeluGrad", "gradient"],
    ["AdamWOptimizer", "gradient"],
    ["InPlaceAccumulatorV2", "gradient"],
    ["ReduceSumInteger", "reduction"],
    ["MaxPool", "reduction"],
    ["Reshape", "shape"],
    ["ZeroGradient", "shape"],
    ["SoftmaxCrossEntropyLossInternal", "loss"],
    ["YieldOp", "control"],
    ["ATen", "other"],
    ["MyOp<script>", "other"],
  ])("%s is %s", (op, kind) => expect(opClass(op)).toBe(kind));
});
