import { batch, type Signal, signal } from "@preact/signals";
import type { FindingRow, ModeName, StageName, TraceRow, ViewName } from "../protocol";

/** What is selected; one for all views. */
export class Selection {
  readonly view: Signal<ViewName> = signal("losses");
  /** The step the user picked; null follows the newest one. */
  readonly pickedStep: Signal<number | null> = signal(null);
  /** Fully qualified module name; `""` is the root, null is none. */
  readonly module: Signal<string | null> = signal(null);
  readonly siteId: Signal<string | null> = signal(null);
  /** Name of an ONNX value. */
  readonly value: Signal<string | null> = signal(null);
  /** Grows whenever somebody leads to a place, so that being led there again is heard too. */
  readonly ledCount: Signal<number> = signal(0);
  readonly mode: Signal<ModeName> = signal("training");
  readonly stage: Signal<StageName> = signal("execution_model");
  /** Somebody chose the stage, so that it is known to be there. */
  readonly stagePicked: Signal<boolean> = signal(false);
  /** A graph was shown, or could not be. */
  readonly graphSeen: Signal<boolean> = signal(false);

  pickStep(step: number): void {
    this.pickedStep.value = step;
  }

  followLatest(): void {
    this.pickedStep.value = null;
  }

  /** Select a module; picking the selected one again keeps it. */
  pickModule(module: string | null): void {
    batch(() => {
      this.module.value = module;
      this.siteId.value = null;
      this.value.value = null;
    });
  }

  pickSite(row: Pick<TraceRow, "site_id" | "module" | "value_name">): void {
    batch(() => {
      this.module.value = row.module;
      this.siteId.value = row.site_id;
      this.value.value = row.value_name === "" ? null : row.value_name;
      this.ledCount.value += 1;
    });
  }

  pickStage(mode: ModeName, stage: StageName): void {
    batch(() => {
      this.mode.value = mode;
      this.stage.value = stage;
      this.stagePicked.value = true;
    });
  }

  /** A node of a graph: its module where known, and the value it makes. */
  pickNode(module: string | null, value: string | null, siteId: string | null): void {
    batch(() => {
      this.module.value = module;
      this.value.value = value;
      this.siteId.value = siteId;
    });
  }

  /** Go where a finding is: to the view that shows it best, or to another one. */
  goToFinding(finding: FindingRow, view: ViewName = finding.view): void {
    batch(() => {
      if (finding.first_step !== null) this.pickedStep.value = finding.first_step;
      if (finding.module !== null) this.module.value = finding.module;
      this.siteId.value = finding.site_id === "" ? null : finding.site_id;
      this.value.value = null;
      this.ledCount.value += 1;
      this.view.value = view;
    });
  }
}
