"""JupyterLab in a browser as these tests drive it."""

from __future__ import annotations

from typing import Any, Literal

from playwright.sync_api import FrameLocator, Locator, Page

from tests.browser.lab import ROOT, Lab
from tests.browser.watch import Watch

SCREENSHOTS = ROOT / "build" / "screenshots"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
Theme = Literal["light", "dark"]

READY_MS = 60_000
"""Lab or a kernel starting on a busy machine."""
RUN_MS = 300_000
"""All cells of a notebook that trains."""

NOTEBOOK = """() => [...jupyterapp.shell.widgets("main")].find(
  (widget) => widget.isVisible && widget.hasClass("jp-NotebookPanel"))"""

CELLS_STATE = f"""() => {{
  const cells = [...({NOTEBOOK})().content.model.cells];
  const failed = cells.flatMap((cell) => cell.type !== "code" ? [] : [...Array(cell.outputs.length)]
    .map((_, index) => cell.outputs.get(index).toJSON())
    .filter((output) => output.output_type === "error")
    .map((output) => `${{output.ename}}: ${{output.evalue}}`));
  return {{ ended: window.ortvizTestRun !== "running", failed }};
}}"""

EXECUTE = f"""async (code) => {{
  const {{ kernel }} = ({NOTEBOOK})().sessionContext.session;
  const future = kernel.requestExecute({{ code, store_history: false }});
  let text = "";
  future.onIOPub = ({{ header, content }}) => {{
    if (header.msg_type === "stream") text += content.text;
    if (header.msg_type === "error") text += `${{content.ename}}: ${{content.evalue}}`;
  }};
  const reply = await future.done;
  return {{ ok: reply.content.status === "ok", text }};
}}"""


class LabPage:
    """One page of JupyterLab.

    Args:
        page: Playwright's.
        lab: The server.
        watch: What the page asks for and complains about.
    """

    def __init__(self, page: Page, lab: Lab, watch: Watch) -> None:
        self.page = page
        self.lab = lab
        self.watch = watch

    def open(self) -> None:
        """Load JupyterLab and wait until it has restored itself."""
        self.page.goto(self.lab.page_url)
        self.page.wait_for_function("window.jupyterapp !== undefined", timeout=READY_MS)
        self.page.evaluate("async () => { await jupyterapp.restored; }")
        self.page.evaluate("() => jupyterapp.shell.collapseLeft()")

    def command(self, name: str, **arguments: Any) -> None:
        """Execute one of JupyterLab's commands and wait for it."""
        self.page.evaluate(
            "async ([name, args]) => { await jupyterapp.commands.execute(name, args); }",
            [name, arguments],
        )

    def open_notebook(self, path: str) -> None:
        """Open a notebook and wait for its kernel."""
        self.command("docmanager:open", path=path, factory="Notebook")
        self.page.wait_for_function(
            """(path) => {
              const context = jupyterapp.shell.currentWidget?.sessionContext;
              return context?.path === path && context.session?.kernel?.status === "idle";
            }""",
            arg=path,
            timeout=READY_MS,
        )

    def start_all_cells(self) -> None:
        """Begin to run all cells of the current notebook; does not wait."""
        self.page.evaluate("""() => {
          window.ortvizTestRun = "running";
          const end = () => { window.ortvizTestRun = "ended"; };
          jupyterapp.commands.execute("notebook:run-all-cells").then(end, end);
        }""")

    def wait_for_cells(self) -> None:
        """Wait until the cells that were started have ended; fail if one raised."""
        self.page.wait_for_function(
            f"() => {{ const state = ({CELLS_STATE})(); return state.ended || state.failed[0]; }}",
            timeout=RUN_MS,
        )
        failed = self.page.evaluate(CELLS_STATE)["failed"]
        assert failed == [], f"cells raised {failed}"

    def is_running(self, cell: int) -> bool:
        """Whether a cell, counted from 0, is running; the kernel's state tells of comms too."""
        prompt = self.page.locator(".jp-NotebookPanel .jp-Cell").nth(cell)
        return prompt.locator(".jp-InputPrompt").inner_text().strip() == "[*]:"

    def execute(self, code: str) -> str:
        """Run code in the current notebook's kernel without a cell; what it printed."""
        answer = self.page.evaluate(EXECUTE, code)
        assert answer["ok"], answer["text"]
        return str(answer["text"])

    def wear(self, theme: Theme) -> None:
        """Change JupyterLab's theme and wait until the page wears it.

        Its splash has to be gone before the next change: JupyterLab takes the one splash away
        once for every change and throws where a change began while the last one faded.
        """
        self.command("apputils:change-theme", theme=THEMES[theme])
        self.page.wait_for_function(
            "(light) => document.body.dataset.jpThemeLight === light",
            arg=str(theme == "light").lower(),
            timeout=READY_MS,
        )
        self.page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=READY_MS)

    def screenshot(self, name: str) -> None:
        """Keep a picture of all of JupyterLab."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    def close_all(self) -> None:
        """Close every tab, unasked, and shut down every kernel."""
        self.page.evaluate("""async () => {
          for (const widget of [...jupyterapp.shell.widgets("main")]) widget.dispose();
          await jupyterapp.serviceManager.sessions.shutdownAll();
        }""")


class Debugger:
    """One debugger on the page.

    Args:
        root: Its outermost element, ``data-testid="ortviz"``.
    """

    def __init__(self, root: Locator) -> None:
        self.root = root

    def find(self, testid: str, **attributes: str | int) -> Locator:
        """Elements with a test id and, for example, ``module="blocks.0"`` for ``data-module``."""
        given = "".join(
            f'[data-{name.replace("_", "-")}="{value}"]' for name, value in attributes.items()
        )
        return self.root.locator(f'[data-testid="{testid}"]{given}')

    def view(self, name: str) -> Locator:
        """Go to a view; its panel."""
        self.find(f"tab-{name}").click()
        return self.find(f"panel-{name}")

    def raw_graph(self) -> Locator:
        """Go to the Graph view and have the stage shown by Netron; the view's panel."""
        panel = self.view("graph")
        self.find("graph-shape-netron").click()
        return panel

    @property
    def step(self) -> int | None:
        """The step on show."""
        value = self.find("step-strip").get_attribute("data-step")
        return int(value) if value else None

    @property
    def netron(self) -> FrameLocator:
        """Inside of Netron's page."""
        return self.find("netron-frame").content_frame

    def node(self, operator: str) -> Locator:
        """Nodes of the graph on show that apply an operator."""
        return self.netron.locator(f'svg text:text-is("{operator}")')

    def cut_numbers(self) -> list[str]:
        """Numbers on screen that are too wide for their column."""
        cells = self.root.locator(".ov-row .ov-num:visible")
        wide = "(all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.innerText)"
        return [str(text) for text in cells.evaluate_all(wide)]

    def screenshot(self, name: str) -> None:
        """Keep a picture of the debugger alone."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.root.scroll_into_view_if_needed()
        self.root.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")
