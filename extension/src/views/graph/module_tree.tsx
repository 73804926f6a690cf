import { useEffect, useMemo, useState } from "preact/hooks";
import type { Answer } from "../../protocol";
import { ancestorNames, type ModuleNode, parentName, visibleModules } from "../../state";
import { useStore } from "../shared/context";
import { formatCount, formatShortCount, px } from "../shared/format";
import { Empty } from "../shared/messages";
import { VirtualList } from "../shared/virtual_list";

export type StageRow = Answer<"graphs">["stages"][number];

const ROW_HEIGHT = 22;
const HEADER_HEIGHT = 26;
/** Trees of at most this many modules start wholly open. */
const OPEN_UP_TO = 60;

/** The user's model as PyTorch has it, with what became of each module in the shown stage. */
export function ModuleTree({ stage }: { stage: StageRow | null }) {
  const { moduleTree, selection } = useStore();
  const root = moduleTree.value;
  const module = selection.module.value;
  const [open, toggle] = useOpenModules(root, module);
  const nodes = useMemo(() => (root === null ? [] : visibleModules(root, open)), [root, open]);
  const counts = useMemo(
    () => new Map((stage?.modules ?? []).map((row) => [row.module, row])),
    [stage],
  );
  if (root === null) return <Empty title="The model's modules are not known yet." />;
  return (
    <VirtualList
      label="Modules of the model"
      role="tree"
      testid="module-tree"
      count={nodes.length}
      rowHeight={ROW_HEIGHT}
      headerHeight={HEADER_HEIGHT}
      header={<TreeHeader />}
      selected={nodes.findIndex((node) => node.row.name === module)}
      revealKey={module ?? ""}
      onSelect={(index) => selection.pickModule(nodes[index]?.row.name ?? null)}
      onKey={(event, index) =>
        treeKey(event, nodes[index], open, toggle, selection.pickModule.bind(selection))
      }
      rowProps={(index) => treeItemProps(nodes[index], open)}
      renderRow={(index) => {
        const node = nodes[index];
        return (
          node && (
            <TreeRow
              node={node}
              open={open.has(node.row.name)}
              count={counts.get(node.row.name)}
              onToggle={() => toggle(node.row.name)}
            />
          )
        );
      }}
    />
  );
}

/** Which modules show their children: at first as many as fit, and those around the selected one. */
function useOpenModules(
  root: ModuleNode | null,
  module: string | null,
): [ReadonlySet<string>, (name: string) => void] {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    if (root !== null) setOpen(initiallyOpen(root));
  }, [root]);
  useEffect(() => {
    if (module === null) return;
    setOpen((old) => new Set([...old, ...ancestorNames(module)]));
  }, [module]);
  return [open, (name) => setOpen((old) => toggled(old, name))];
}

function TreeHeader() {
  return (
    <div class="ov-tree-row ov-tree-head">
      <span class="ov-ellipsis" title="Modules of the model as eager PyTorch has it">
        eager PyTorch module
      </span>
      <span class="ov-num" title="Elements of its parameters, children included">
        params
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
  open: boolean;
  count: StageRow["modules"][number] | undefined;
  onToggle(): void;
}

function TreeRow({ node, open, count, onToggle }: TreeRowProps) {
  const { row } = node;
  const hooks = row.hooks.length > 0 ? `hooks: ${row.hooks.join(", ")}` : "";
  const title = [row.name || "(root)", row.type_name, row.source, hooks]
    .filter(Boolean)
    .join(" · ");
  return (
    <div class="ov-tree-row" title={title}>
      <span class="ov-tree-name" style={{ paddingLeft: px(4 + node.depth * 14) }}>
        {node.children.length > 0 ? (
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
      <span class="ov-num ov-muted">{numberOr(node.totalParameterCount, formatShortCount)}</span>
      <span class="ov-num">{numberOr(count?.forward ?? 0, formatCount)}</span>
      <span class="ov-num">{numberOr(count?.backward ?? 0, formatCount)}</span>
    </div>
  );
}

function numberOr(count: number, format: (count: number) => string): string {
  return count === 0 ? "·" : format(count);
}

function treeItemProps(node: ModuleNode | undefined, open: ReadonlySet<string>) {
  if (node === undefined) return {};
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

function toggled(names: ReadonlySet<string>, name: string): Set<string> {
  const next = new Set(names);
  if (!next.delete(name)) next.add(name);
  return next;
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
