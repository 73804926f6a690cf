import type { ModuleRow, TraceRow } from "../protocol";

/** A module with its children, in the order of `named_modules()`. */
export interface ModuleNode {
  row: ModuleRow;
  /** Last part of the name; the class name for the root. */
  label: string;
  depth: number;
  children: ModuleNode[];
  /** Elements of its own and its children's parameters. */
  totalParameterCount: number;
}

/** Whether `module` is `ancestor` or inside it. `""` is the root and holds everything. */
export function isWithin(module: string | null, ancestor: string): boolean {
  if (module === null) return false;
  return ancestor === "" || module === ancestor || module.startsWith(`${ancestor}.`);
}

/** The name of the module around a module; null for the root. */
export function parentName(module: string): string | null {
  if (module === "") return null;
  const dot = module.lastIndexOf(".");
  return dot < 0 ? "" : module.slice(0, dot);
}

/** The tree of a model; null when there are no modules at all. */
export function buildModuleTree(rows: ModuleRow[]): ModuleNode | null {
  const nodes = new Map<string, ModuleNode>();
  let root: ModuleNode | null = null;
  for (const row of rows) {
    const parent = nearestKnown(nodes, row.name);
    const node: ModuleNode = {
      row,
      label: row.name === "" ? row.type_name || "(root)" : labelUnder(parent, row.name),
      depth: parent === null ? 0 : parent.depth + 1,
      children: [],
      totalParameterCount: row.parameter_count,
    };
    nodes.set(row.name, node);
    if (parent === null) root ??= node;
    else parent.children.push(node);
  }
  if (root !== null) sumParameters(root);
  return root;
}

/** The rows of a tree that are on screen when only `open` modules show their children. */
export function visibleModules(root: ModuleNode, open: ReadonlySet<string>): ModuleNode[] {
  const children = open.has(root.row.name)
    ? root.children.flatMap((child) => visibleModules(child, open))
    : [];
  return [root, ...children];
}

/** Modules around a module that must be open for it to be on screen. */
export function ancestorNames(module: string): string[] {
  const names: string[] = [];
  for (let name = parentName(module); name !== null; name = parentName(name)) names.push(name);
  return names;
}

/** The trace row that stands for a module: its first output in the forward pass, else any. */
export function rowOfModule(rows: TraceRow[], module: string): TraceRow | null {
  return (
    rows.find((row) => row.module === module && row.direction === "forward") ??
    rows.find((row) => row.module === module) ??
    null
  );
}

function nearestKnown(nodes: ReadonlyMap<string, ModuleNode>, name: string): ModuleNode | null {
  for (let parent = parentName(name); parent !== null; parent = parentName(parent)) {
    const node = nodes.get(parent);
    if (node !== undefined) return node;
  }
  return null;
}

function labelUnder(parent: ModuleNode | null, name: string): string {
  const prefix = parent?.row.name ?? "";
  return prefix === "" ? name : name.slice(prefix.length + 1);
}

function sumParameters(node: ModuleNode): number {
  for (const child of node.children) node.totalParameterCount += sumParameters(child);
  return node.totalParameterCount;
}
