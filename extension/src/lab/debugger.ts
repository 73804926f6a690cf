import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from "@jupyterlab/application";
import {
  ICommandPalette,
  InputDialog,
  MainAreaWidget,
  showErrorMessage,
  WidgetTracker,
} from "@jupyterlab/apputils";
import { PathExt } from "@jupyterlab/coreutils";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import { INotebookTracker } from "@jupyterlab/notebook";
import { errorText, type Transport } from "../protocol";
import { CommTransport, type RunRow } from "./comm_transport";
import { DebuggerPanel, liveTransport, runTransport } from "./debugger_panel";
import { runIcon } from "./icons";

export const OPEN_DEBUGGER = "ortviz:open-debugger";

const NO_RUN =
  "There is no run here yet. Run a cell that begins with %%ortviz, or open an .ortviz file from " +
  "the file browser.";

/** What a debugger tab shows; only the path is there again after the page was loaded anew. */
interface Shown {
  path: string;
  name: string;
}

type DebuggerTab = MainAreaWidget<DebuggerPanel>;

/** A run that a person chose, and how to reach it. */
interface Choice extends Shown {
  transport: Transport;
}

/** Puts a run of the current notebook's kernel, or of a file, into a tab of its own. */
class DebuggerOpener {
  readonly #shown = new WeakMap<DebuggerTab, Shown>();
  #count = 0;

  constructor(
    readonly app: JupyterFrontEnd,
    readonly notebooks: INotebookTracker | null,
    readonly tracker: WidgetTracker<DebuggerTab>,
  ) {}

  shown(tab: DebuggerTab): Shown {
    return this.#shown.get(tab) ?? { path: "", name: "" };
  }

  /**
   * @param path The run's file; the current notebook is asked if it is empty.
   * @param name For a person; the file's name if it is empty.
   */
  async open(path: string, name = ""): Promise<DebuggerTab | null> {
    const already = path === "" ? undefined : this.#tabOf(path);
    if (already !== undefined) return this.#activate(already);
    try {
      const choice = path === "" ? await this.#ask() : this.#file(path, name);
      return choice === null ? null : this.#show(choice);
    } catch (error) {
      await showErrorMessage("ortviz debugger", errorText(error));
      return null;
    }
  }

  #file(path: string, name: string): Choice {
    const transport = runTransport(this.app.serviceManager.serverSettings, path);
    return { path, name: name || PathExt.basename(path), transport };
  }

  async #ask(): Promise<Choice | null> {
    const kernel = this.notebooks?.currentWidget?.sessionContext.session?.kernel ?? null;
    if (kernel === null) throw new Error(NO_RUN);
    const { transport, runs } = await CommTransport.open(kernel);
    const run = await chooseRun(runs);
    if (run === null) {
      transport.dispose();
      if (runs.length === 0) throw new Error(NO_RUN);
      return null;
    }
    transport.select(run);
    const { serverSettings } = this.app.serviceManager;
    return {
      path: run.run_path,
      name: run.name,
      transport: liveTransport(serverSettings, transport, run.run_path),
    };
  }

  #show(choice: Choice): DebuggerTab {
    const already = choice.path === "" ? undefined : this.#tabOf(choice.path);
    if (already !== undefined) {
      choice.transport.dispose();
      return this.#activate(already);
    }
    const tab: DebuggerTab = new MainAreaWidget({ content: new DebuggerPanel(choice.transport) });
    tab.toolbar.hide();
    tab.id = `ortviz-debugger-${this.#count++}`;
    tab.title.label = choice.name;
    tab.title.caption = choice.path === "" ? choice.name : choice.path;
    tab.title.icon = runIcon;
    tab.title.closable = true;
    this.#shown.set(tab, { path: choice.path, name: choice.name });
    const beside = this.tracker.currentWidget;
    const place = beside ? { mode: "tab-after", ref: beside.id } : { mode: "split-right" };
    this.app.shell.add(tab, "main", place as DocumentRegistry.IOpenOptions);
    // Without a file nothing could be shown after the page was loaded anew.
    if (choice.path !== "") void this.tracker.add(tab);
    return this.#activate(tab);
  }

  #tabOf(path: string): DebuggerTab | undefined {
    return this.tracker.find((tab) => this.shown(tab).path === path);
  }

  #activate(tab: DebuggerTab): DebuggerTab {
    this.app.shell.activateById(tab.id);
    return tab;
  }
}

/** The only run there is; of several the one a person picks, the newest standing first. */
async function chooseRun(runs: readonly RunRow[]): Promise<RunRow | null> {
  const [newest] = runs;
  if (newest === undefined || runs.length === 1) return newest ?? null;
  const labels = runs.map((run, index) => `${index + 1}. ${run.name} (${run.status})`);
  const answer = await InputDialog.getItem({
    title: "Which run?",
    items: labels,
    current: 0,
    okLabel: "Open",
  });
  if (!answer.button.accept || answer.value === null) return null;
  return runs[labels.indexOf(answer.value)] ?? null;
}

/** The command "Open ortviz debugger". */
export const debuggerPlugin: JupyterFrontEndPlugin<void> = {
  id: "ortviz:debugger",
  description: "Opens the debugger of a run in a tab of its own.",
  autoStart: true,
  optional: [INotebookTracker, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
  ) => {
    const tracker = new WidgetTracker<DebuggerTab>({ namespace: "ortviz-debugger" });
    const opener = new DebuggerOpener(app, notebooks, tracker);
    app.commands.addCommand(OPEN_DEBUGGER, {
      label: "Open ortviz debugger",
      caption: "Show a run of the current notebook in a tab of its own",
      icon: runIcon,
      describedBy: {
        args: {
          type: "object",
          properties: {
            run: { type: "string", description: "Path of a run's file; the notebook's without" },
            name: { type: "string", description: "Title of the tab; the file's name without" },
          },
        },
      },
      execute: ({ run, name }) =>
        opener.open(typeof run === "string" ? run : "", typeof name === "string" ? name : ""),
    });
    palette?.addItem({ command: OPEN_DEBUGGER, category: "ortviz" });
    void restorer?.restore(tracker, {
      command: OPEN_DEBUGGER,
      args: (tab) => ({ run: opener.shown(tab).path, name: opener.shown(tab).name }),
      name: (tab) => opener.shown(tab).path,
    });
  },
};
