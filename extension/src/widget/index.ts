import type { AnyModel, RenderProps } from "@anywidget/types";
import {
  CombinedTransport,
  type ModeName,
  ServerTransport,
  type StageName,
  type StaticReport,
  StaticTransport,
  type Transport,
  type ViewName,
} from "../protocol";
import { type MountOptions, mount, mountGraph } from "../views";
import { jupyterBaseUrl } from "./base_url";
import { KernelTransport } from "./kernel_transport";
import "../../style/debugger/index.css";

/** What Python's widget class synchronises. */
export interface WidgetModel {
  run_id: string;
  /** File of the run on the kernel's machine; empty when there is none. */
  run_path: string;
  /** ONNX file on the kernel's machine; empty when there is none. */
  onnx_path: string;
  /** What is mounted; all views where empty. */
  views: ViewName[];
  /** Mode and stage of the graph to show first, or nothing. */
  graph: string[];
  /** Whether the kernel records the run, so that it can be paused and sampled. */
  controls: boolean;
  /** For a person. */
  name: string;
  /** In px. */
  height: number;
}

function render({ model, el }: RenderProps<WidgetModel & Record<string, unknown>>): () => void {
  const show = model.get("views")?.includes("graph") ? mountGraph : mount;
  let close = () => {};
  const open = () => {
    close();
    const transport = widgetTransport(model, document, open);
    const unmount = show(el, transport, {
      height: model.get("height"),
      onHeight: (height) => {
        model.set("height", height);
        model.save_changes();
      },
      graph: firstGraph(model.get("graph")),
    });
    close = () => {
      unmount();
      transport.dispose();
    };
  };
  open();
  return () => close();
}

function firstGraph(names: readonly string[] | undefined): MountOptions["graph"] {
  const [mode, stage] = names ?? [];
  return mode && stage ? { mode: mode as ModeName, stage: stage as StageName } : null;
}

/**
 * The kernel, and beside it the server where the page has one and there is a file it can read.
 *
 * @param onChanged Called when an ONNX file has changed on disk.
 */
export function widgetTransport(
  model: AnyModel<never> | AnyModel,
  page: Document,
  onChanged: () => void = () => {},
): Transport {
  const controls = (model as AnyModel).get("controls") === true;
  const kernel = new KernelTransport(model as AnyModel, null, controls);
  const baseUrl = jupyterBaseUrl(page);
  const given = (trait: string) => String((model as AnyModel).get(trait) ?? "");
  const [runPath, onnxPath] = [given("run_path"), given("onnx_path")];
  if (baseUrl === null || (runPath === "" && onnxPath === "")) return kernel;
  const address = runPath === "" ? { baseUrl, onnxPath } : { baseUrl, runPath };
  return new CombinedTransport(kernel, new ServerTransport(address, onChanged));
}

/** Answers from a report's data; pass Netron's page to `mount` where the report carries it. */
export function createStaticTransport(report: StaticReport): Transport {
  return new StaticTransport(report);
}

export {
  CombinedTransport,
  KernelTransport,
  type MountOptions,
  mount,
  mountGraph,
  ServerTransport,
};
export default { render };
