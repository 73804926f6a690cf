import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Answer } from "../../protocol";
import { ancestorNames, type ModuleNode, parentName } from "../../state";
import type { GraphInspector } from "../../state/graph";
import { useStore } from "../shared/context";
import { formatCount, formatDuration, px } from "../shared/format";
import { Empty } from "../shared/messages";
import { useResource } from "../shared/use_resource";
import { VirtualList } from "../shared/virtual_list";
import { type ModuleCall, type ModuleTreeRow, moduleCalls, treeRows } from "./calls";
import { useInspector } from "./inspector_context";

export type StageRow = Answer<"graphs">["stages"][number];

const ROW_HEIGHT = 22;
const HEADER_HEIGHT = 26;
/** In px, for each level. */
const INDENT = 10;
/** Trees of at most this many modules start wholly open. */
const OPEN_UP_TO = 60;

/** The user's model as PyTorch has it: its calls at the step, and what became of each module. */
export function ModuleTree({ stage, active }: { stage: StageRow | null; active: boolean }) {
  const { moduleTree, selection, sampledStep } = useStore();
  const inspector = useInspector();
  const root = moduleTree.value;
  const module = selection.module.value;
  const open = useOpenModules(root, module);
  const step = sampledStep.value;
  const traces = useResource("traces", step === null ? null : { step }, active);
  const calls = useMemo(() => moduleCalls(traces.data), [traces.data]);
  const rows = useMemo(() => treeRows(root, open, calls), [root, open, calls]);
  const counts = useMemo(
    () => new Map((stage?.modules ?? []).map((row) => [row.module, row])),
    [stage],
  );
  const centre = inspector.treeFollow.centre.value;
  const seen = useRef({ module, centre });
  const byCentre = seen.current.centre !== centre && seen.current.module === module;
  seen.current = { module, centre };
  if (root === null) return <Empty title="The model's modules are not known yet." />;
  const indexOf = (name: string | null) =>
    rows.findIndex((row) => row.call === null && row.node.row.name === name);
  // In the tree a module may be inside of a closed one.
  const { module: middle } = centre;
  const around = middle === null ? [] : [middle, ...ancestorNames(middle)];
  const nearest = around.map(indexOf).find((index) => index >= 0) ?? -1;
  return (
    <VirtualList
      label="Modules of the model"
      role="tree"
      testid="module-tree"
      count={rows.length}
      rowHeight={ROW_HEIGHT}
      headerHeight={HEADER_HEIGHT}
      header={<TreeHeader bare={step === null} />}
      selected={indexOf(module)}
      revealed={nearest}
      revealsOther={byCentre}
      revealKey={`${module ?? ""}|${centre.count}`}
      onScroll={(at) => {
        const row = Math.min(Math.floor(at), rows.length - 1);
        const [above, below] = [rows[row], rows[row + 1] ?? rows[row]];
        if (above === undefined || below === undefined) return;
        inspector.treeMoved(above.node.row.name, below.node.row.name, at - row);
      }}
      onSelect={(index) => {
        const name = rows[index]?.node.row.name ?? null;
        // Chosen again, a module is shown again where its groups were closed meanwhile.
        if (name !== null && name !== "" && name === module) inspector.pickModule(name);
        else selection.pickModule(name);
      }}
      onKey={(event, index) =>
        treeKey(
          event,
          rows[index]?.node,
          open,
          (name) => toggle(inspector, name),
          (name) => selection.pickModule(name),
        )
      }
      rowProps={(index) => treeItemProps(rows[index], open)}
      renderRow={(index) => {
        const row = rows[index];
        if (row === undefined) return null;
        if (row.call !== null) return <CallRow node={row.node} call={row.call} />;
        const { name } = row.node.row;
        return (
          <TreeRow
            node={row.node}
            bare={step === null}
            open={open.has(name)}
            count={counts.get(name)}
            calls={calls.get(name) ?? []}
            onToggle={() => toggle(inspector, name)}
          />
        );
      }}
    />
  );
}

function toggle(inspector: GraphInspector, name: string): void {
  inspector.toggleModule(name, !inspector.treeOpen.peek().has(name));
}

/** Which modules show their children: at first as many as fit, and those around the selected one. */
function useOpenModules(root: ModuleNode | null, module: string | null): ReadonlySet<string> {
  const { treeOpen } = useInspector();
  useEffect(() => {
    if (root !== null && treeOpen.peek().size === 0) treeOpen.value = initiallyOpen(root);
  }, [root]);
  useEffect(() => {
    if (module !== null) treeOpen.value = new Set([...treeOpen.peek(), ...ancestorNames(module)]);
  }, [module]);
  return treeOpen.value;
}

/** @param props.bare No step was recorded: there is nothing to tell of calls. */
function TreeHeader({ bare }: { bare: boolean }) {
  return (
    <div class={`ov-tree-row ov-tree-head${bare ? " ov-tree-bare" : ""}`}>
      <span class="ov-ellipsis" title="Modules of the model as eager PyTorch has it">
        module
      </span>
      <span title="What it returned at the step, as eager PyTorch has it">output</span>
      <span class="ov-num" title="How long its calls took in the recorded eager run">
        eager
      </span>
      <span class="ov-num" title="Nodes of the shown stage in the forward pass, children included">
        fwd
      </span>
      <span class="ov-num" title="Nodes of the shown stage in the backward pass, children included">
        bwd
      </span>
    </div>
  );
}

interface TreeRowProps {
  node: ModuleNode;
  bare: boolean;
  open: boolean;
  count: StageRow["modules"][number] | undefined;
  calls: readonly ModuleCall[];
  onToggle(): void;
}

function TreeRow({ node, bare, open, count, calls, onToggle }: TreeRowProps) {
  const { row } = node;
  const hooks = row.hooks.length > 0 ? `hooks: ${row.hooks.join(", ")}` : "";
  const parameters =
    node.totalParameterCount > 0 ? `${formatCount(node.totalParameterCount)} parameters` : "";
  const title = [row.name || "(root)", row.type_name, parameters, row.source, hooks]
    .filter(Boolean)
    .join(" · ");
  return (
    <div class={`ov-tree-row${bare ? " ov-tree-bare" : ""}`} title={title}>
      <span class="ov-tree-name" style={{ paddingLeft: px(4 + node.depth * INDENT) }}>
        {node.children.length > 0 || calls.length > 1 ? (
          <button
            type="button"
            class="ov-twisty"
            tabIndex={-1}
            aria-label={open ? "Collapse" : "Expand"}
            onClick={(event) => {
              event.stopPropagation();
              onToggle();
            }}
            data-testid={`module-toggle-${row.name}`}
          >
            <svg width="8" height="8" viewBox="0 0 8 8" aria-hidden="true">
              <path d={open ? "M0 1.5h8L4 7Z" : "M1.5 0v8L7 4Z"} />
            </svg>
          </button>
        ) : (
          <span class="ov-twisty" />
        )}
        <span class="ov-tree-label">{node.label}</span>
        {row.name !== "" && <span class="ov-muted ov-tree-type">{row.type_name}</span>}
        {row.hooks.length > 0 && (
          <span class="ov-tag" title={`The user's hooks: ${row.hooks.join(", ")}`}>
            hook
          </span>
        )}
      </span>
      <span class="ov-mono ov-muted ov-ellipsis" title={outputText(calls)}>
        {calls.length > 1 ? outputText(calls) : calls[0]?.short}
      </span>
      <span class="ov-num ov-muted">{totalSecs(calls)}</span>
      <span class="ov-num">{numberOr(count?.forward ?? 0, formatCount)}</span>
      <span class="ov-num">{numberOr(count?.backward ?? 0, formatCount)}</span>
    </div>
  );
}

/** One of several calls of a module. */
function CallRow({ node, call }: { node: ModuleNode; call: ModuleCall }) {
  return (
    <div class="ov-tree-row ov-muted" title={`${node.row.name}, call ${call.call + 1}`}>
      <span class="ov-tree-name" style={{ paddingLeft: px(18 + (node.depth + 1) * INDENT) }}>
        call {call.call + 1}
      </span>
      <span class="ov-mono ov-ellipsis" title={call.output}>
        {call.short}
      </span>
      <span class="ov-num">{call.secs === null ? "" : formatDuration(call.secs)}</span>
      <span />
      <span />
    </div>
  );
}

function outputText(calls: readonly ModuleCall[]): string {
  const [first] = calls;
  if (first === undefined) return "";
  return calls.length === 1 ? first.output : `${calls.length} calls`;
}

function totalSecs(calls: readonly ModuleCall[]): string {
  const known = calls.flatMap(({ secs }) => (secs === null ? [] : [secs]));
  return known.length === 0 ? "" : formatDuration(known.reduce((sum, secs) => sum + secs, 0));
}

function numberOr(count: number, format: (count: number) => string): string {
  return count === 0 ? "·" : format(count);
}

function treeItemProps(row: ModuleTreeRow | undefined, open: ReadonlySet<string>) {
  if (row === undefined) return {};
  const { node } = row;
  if (row.call !== null) return { "aria-level": node.depth + 2, "data-testid": "module-call" };
  return {
    "aria-level": node.depth + 1,
    "aria-expanded": node.children.length > 0 ? open.has(node.row.name) : undefined,
    "data-testid": "module-item",
    "data-module": node.row.name,
  };
}

/** Right opens, then goes inside; left closes, then goes to the parent. True when used. */
function treeKey(
  event: KeyboardEvent,
  node: ModuleNode | undefined,
  open: ReadonlySet<string>,
  toggle: (name: string) => void,
  pick: (name: string) => void,
): boolean {
  if (node === undefined) return false;
  const { name } = node.row;
  const isOpen = open.has(name) && node.children.length > 0;
  if (event.key === "ArrowRight" && node.children.length > 0) {
    if (isOpen) pick(node.children[0]?.row.name ?? name);
    else toggle(name);
    return true;
  }
  if (event.key === "ArrowLeft") {
    const parent = parentName(name);
    if (isOpen) toggle(name);
    else if (parent !== null) pick(parent);
    return true;
  }
  return false;
}

/** All of a small model; of a large one the first two levels. */
function initiallyOpen(root: ModuleNode): Set<string> {
  const names: string[] = [];
  const walk = (node: ModuleNode) => {
    names.push(node.row.name);
    node.children.forEach(walk);
  };
  walk(root);
  if (names.length <= OPEN_UP_TO) return new Set(names);
  return new Set(["", ...root.children.map((child) => child.row.name)]);
}
