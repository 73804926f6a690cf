import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import {
  type Answer,
  type CommandName,
  type CommandParams,
  type ConnectionStatus,
  type ControlParams,
  decodeReply,
  errorText,
  type PushMessage,
  type Transport,
} from "../protocol";
import { RequestCache, type Resource } from "./cache";
import { buildModuleTree, type ModuleNode } from "./modules";
import { Selection } from "./selection";
import { neighbourStep, sampledStepFor } from "./steps";

/** Answers that grow while a run is live. */
const GROWING: readonly CommandName[] = ["losses", "mask_map", "findings", "graphs"];
/** Least time between two rounds of asking again for what has grown. */
const REFRESH_MS = 1_000;
/** How often to ask for the summary of a run that is live but sends nothing by itself. */
const POLL_MS = 2_500;

/** One open run as the browser knows it, and what the user selected in it. */
export class DebuggerStore {
  readonly cache: RequestCache;
  readonly run: Resource<"run">;
  readonly summary: Resource<"summary">;
  readonly connection: Signal<ConnectionStatus> = signal("ready");
  /** The last thing `control` said or why it failed; empty when there is nothing to say. */
  readonly notice: Signal<string> = signal("");
  readonly moduleTree: ReadonlySignal<ModuleNode | null>;
  /** The step all views show: the picked one, else the newest sampled one. */
  readonly step: ReadonlySignal<number | null>;
  /** The sampled step that stands for `step` where only sampled steps have data. */
  readonly sampledStep: ReadonlySignal<number | null>;
  readonly live: ReadonlySignal<boolean>;
  /** ONNX Runtime computes nothing in this run: what is recorded of the training is eager's. */
  readonly eagerOnly: ReadonlySignal<boolean>;
  readonly #cleanups: (() => void)[] = [];
  #lastPushMs = 0;
  #refreshTimer: ReturnType<typeof setTimeout> | null = null;

  /**
   * @param selection Shared with other processes of a distributed training.
   */
  constructor(
    readonly transport: Transport,
    readonly selection: Selection = new Selection(),
  ) {
    this.cache = new RequestCache(transport);
    this.run = this.cache.resource("run", {});
    this.summary = this.cache.resource("summary", {});
    const summary = this.summary.data;
    this.moduleTree = computed(() => buildModuleTree(this.run.data.value?.modules ?? []));
    this.step = computed(() => {
      const picked = this.selection.pickedStep.value;
      return picked ?? summary.value?.latest_sampled_step ?? summary.value?.latest_step ?? null;
    });
    this.sampledStep = computed(() => {
      const step = this.step.value;
      const sampled = summary.value?.sampled_steps.values;
      return step === null || sampled === undefined ? null : sampledStepFor(sampled, step);
    });
    this.eagerOnly = computed(() => this.run.data.value?.engine === "eager");
    this.live = computed(() => {
      const status = summary.value?.status;
      return status === "live" || status === "waiting" || status === "paused";
    });
  }

  /** Begin to ask and to listen; returns how to stop. */
  start(): () => void {
    this.#cleanups.push(
      this.cache.watch(this.run),
      this.cache.watch(this.summary),
      this.transport.onPush((message, buffers) => this.#pushed(message, buffers)),
      this.transport.onStatus?.((status) => {
        this.connection.value = status;
      }) ?? (() => {}),
      this.#refreshAsRunGrows(),
      this.#pollWhenSilent(),
    );
    return () => this.stop();
  }

  stop(): void {
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    if (this.#refreshTimer !== null) clearTimeout(this.#refreshTimer);
    this.#refreshTimer = null;
  }

  /** Go to the sampled step before or after the shown one. */
  stepBy(direction: 1 | -1): void {
    const sampled = this.summary.data.value?.sampled_steps.values;
    const step = this.step.value;
    if (sampled === undefined || step === null) return;
    const target = neighbourStep(sampled, step, direction);
    if (target !== null) this.selection.pickStep(target);
  }

  /** Ask the live kernel for something; what it says becomes the notice. Never rejects. */
  async control(action: ControlParams["action"]): Promise<void> {
    try {
      const reply = await this.transport.request("control", { action });
      this.notice.value = decodeReply("control", reply).message;
      await this.cache.load(this.summary);
    } catch (error) {
      this.notice.value = errorText(error);
    }
  }

  /** Ask again for something that failed. */
  retry(resource: Resource<never>): void;
  retry<C extends CommandName>(resource: Resource<C>): void;
  retry(resource: Resource): void {
    this.transport.retry?.();
    void this.cache.load(resource);
  }

  #pushed(message: PushMessage, buffers: ArrayBuffer[]): void {
    this.#lastPushMs = Date.now();
    const params = message.params as CommandParams[CommandName];
    this.cache.put(message.command, params, { payload: message.payload, buffers });
  }

  /** A new step makes what grows stale; it is asked for again at most once a second. */
  #refreshAsRunGrows(): () => void {
    let seen: string | null = null;
    return effect(() => {
      const summary = this.summary.data.value;
      if (summary === null) return;
      const state = growthMark(summary);
      if (seen !== null && state !== seen) this.#refreshSoon();
      seen = state;
    });
  }

  #refreshSoon(): void {
    this.cache.markStale(GROWING);
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = null;
      this.cache.refreshStale();
    }, REFRESH_MS);
  }

  #pollWhenSilent(): () => void {
    const timer = setInterval(() => {
      if (document.hidden || this.summary.data.peek()?.status === "ended") return;
      if (Date.now() - this.#lastPushMs >= POLL_MS) void this.cache.load(this.summary);
    }, POLL_MS);
    return () => clearInterval(timer);
  }
}

/** Changes whenever something that grows may have grown. */
function growthMark(summary: Answer<"summary">): string {
  const { latest_step, sampled_step_count, finding_counts, status } = summary;
  return [latest_step, sampled_step_count, ...Object.values(finding_counts), status].join("|");
}
