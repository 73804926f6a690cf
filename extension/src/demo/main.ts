/**
 * The views on a page of their own, without Jupyter: `demo/index.html?report=<file>`.
 * The file is what `ortviz.report` puts into its page; `live=1` plays it as if it were training.
 */
import { type StaticReport, StaticTransport } from "../protocol";
import { mount } from "../views";
import "../../style/debugger/index.css";
import { LivePlayback } from "./playback";

async function start(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const response = await fetch(query.get("report") ?? "build/report.json");
  const report = (await response.json()) as StaticReport;
  const recorded = new StaticTransport(report);
  const transport = query.has("live") ? new LivePlayback(recorded) : recorded;
  const netron = await fetch("build/netron.html").catch(() => null);
  const element = document.getElementById("root");
  if (element === null) throw new Error("The page has no element #root.");
  const html = netron?.ok ? await netron.text() : null;
  mount(element, transport, {
    height: Number(query.get("height") ?? 560),
    notes: report.notes,
    netronDocument: html === null ? null : () => Promise.resolve(html),
  });
}

void start();
