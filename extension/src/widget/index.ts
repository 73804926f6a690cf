import type { AnyModel, RenderProps } from "@anywidget/types";
import {
  CombinedTransport,
  ServerTransport,
  type StaticReport,
  StaticTransport,
  type Transport,
} from "../protocol";
import { type MountOptions, mount } from "../views";
import { jupyterBaseUrl } from "./base_url";
import { KernelTransport } from "./kernel_transport";
import "../../style/debugger/index.css";

/** What Python's widget class synchronises. */
export interface WidgetModel {
  run_id: string;
  /** File of the run on the kernel's machine; empty when there is none. */
  run_path: string;
  /** For a person. */
  name: string;
  /** In px. */
  height: number;
}

function render({ model, el }: RenderProps<WidgetModel & Record<string, unknown>>): () => void {
  const transport = widgetTransport(model, document);
  const unmount = mount(el, transport, {
    height: model.get("height"),
    onHeight: (height) => {
      model.set("height", height);
      model.save_changes();
    },
  });
  return () => {
    unmount();
    transport.dispose();
  };
}

/** The kernel, and beside it the server where the page has one and the run is a file. */
export function widgetTransport(model: AnyModel<never> | AnyModel, page: Document): Transport {
  const kernel = new KernelTransport(model as AnyModel);
  const baseUrl = jupyterBaseUrl(page);
  const runPath = String((model as AnyModel).get("run_path") ?? "");
  if (baseUrl === null || runPath === "") return kernel;
  return new CombinedTransport(kernel, new ServerTransport({ baseUrl, runPath }));
}

/** Answers from a report's data; pass Netron's page to `mount` where the report carries it. */
export function createStaticTransport(report: StaticReport): Transport {
  return new StaticTransport(report);
}

export { CombinedTransport, KernelTransport, type MountOptions, mount, ServerTransport };
export default { render };
