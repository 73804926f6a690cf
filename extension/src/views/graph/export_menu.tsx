import { useState } from "preact/hooks";
import { isGroup, itemGroup } from "../../graph/types";
import { decodeReply, errorText } from "../../protocol";
import type { GraphPane } from "../../state/graph";
import { useStore } from "../shared/context";

/** How much larger than on screen a PNG is, so that it prints well. */
const PNG_SCALE = 2;

type Format = "svg" | "png" | "onnx";

/** Saves the picture as it is on screen, or what is selected as a small ONNX file. */
export function ExportMenu({ pane }: { pane: GraphPane }) {
  const store = useStore();
  const [message, setMessage] = useState("");
  const save = async (format: Format) => {
    setMessage("");
    const structure = pane.structure.peek();
    if (structure === null) return;
    const { mode, stage } = structure;
    const name = (store.run.data.value?.name ?? "graph").replace(/[^\w.-]+/g, "_");
    const stem = `${name || "graph"}_${stage}_${mode}`;
    if (format === "onnx") {
      const nodes = selectedNodes(pane);
      if (nodes.length === 0) throw new Error("Select a node or a group first.");
      const reply = await store.transport.request("graph_extract", { mode, stage, nodes });
      const { file_name, model, notes } = decodeReply("graph_extract", reply);
      download(new Blob([model.values as Uint8Array<ArrayBuffer>]), file_name);
      if (notes.length > 0) setMessage(`Saved as ${file_name}. ${notes.join(" ")}`);
    } else if (pane.scene === null) throw new Error("Show the stage as a graph first.");
    else if (format === "png") download(await pane.scene.png(PNG_SCALE), `${stem}.png`);
    else download(new Blob([pane.scene.svg()], { type: "image/svg+xml" }), `${stem}.svg`);
  };
  return (
    <span class="ov-export">
      <select
        class="ov-input ov-select ov-save"
        aria-label="Save the picture or the selection"
        value=""
        data-testid="graph-export"
        onChange={(event) => {
          const format = event.currentTarget.value as Format;
          event.currentTarget.value = "";
          save(format).catch((error) => setMessage(errorText(error)));
        }}
      >
        <option value="">Save …</option>
        <option value="svg">picture as SVG</option>
        <option value="png">picture as PNG</option>
        <option value="onnx">selection as ONNX</option>
      </select>
      {message && (
        <span class="ov-export-message" role="alert" data-testid="graph-export-message">
          {message}{" "}
          <button type="button" class="ov-link" onClick={() => setMessage("")}>
            Close
          </button>
        </span>
      )}
    </span>
  );
}

/** The operators selected in a pane, those in selected groups included. */
export function selectedNodes(pane: GraphPane): number[] {
  const structure = pane.structure.peek();
  if (structure === null) return [];
  const nodes = pane.selected
    .peek()
    .flatMap((item) => (isGroup(item) ? structure.nodesIn(itemGroup(item)) : [item]));
  return [...new Set(nodes)].filter((node) => structure.nodeKind[node] === 0);
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
