import {
  type CommandName,
  type CommandParams,
  decodeReply,
  type PushListener,
  type PushMessage,
  type Reply,
  type StaticTransport,
  type SummaryView,
  type Transport,
  TransportError,
} from "../protocol";

const PUSH_MS = 250;
const STEPS_PER_PUSH = 4;

/** A recorded run played as if it were training: summaries are pushed, losses grow. */
export class LivePlayback implements Transport {
  readonly controllable = true;
  readonly netron = null;
  readonly #recorded: StaticTransport;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #listeners = new Set<PushListener>();
  #step = 8;
  #paused = false;

  constructor(recorded: StaticTransport) {
    this.#recorded = recorded;
    this.#timer = setInterval(() => void this.#advance(), PUSH_MS);
  }

  async request<C extends CommandName>(command: C, params: CommandParams[C]): Promise<Reply> {
    if (command === "control") return this.#control((params as CommandParams["control"]).action);
    const reply = await this.#recorded.request(command, params);
    if (command === "summary") return this.#summary(reply);
    if (command === "losses") return cutSteps(reply, this.#step);
    return reply;
  }

  onPush(listener: PushListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispose(): void {
    clearInterval(this.#timer);
  }

  async #advance(): Promise<void> {
    if (this.#paused) return;
    this.#step += STEPS_PER_PUSH;
    const { payload, buffers } = await this.request("summary", {});
    const message: PushMessage = { type: "push", command: "summary", params: {}, payload };
    for (const listener of this.#listeners) listener(message, buffers);
  }

  #control(action: CommandParams["control"]["action"]): Reply {
    if (action === "sample_next") {
      throw new TransportError("This is a recording; nothing more can be sampled.");
    }
    this.#paused = action === "pause";
    const status = this.#paused ? "paused" : "live";
    return { payload: { status, message: `Playback is ${status}.` }, buffers: [] };
  }

  #summary(reply: Reply): Reply {
    const whole = decodeReply("summary", reply);
    const step = Math.min(this.#step, whole.latest_step ?? 0);
    const sampled = Array.from(whole.sampled_steps.values).filter((value) => value <= step);
    const marks = whole.finding_marks.filter((mark) => mark.step <= step);
    const bins = whole.spark_steps.values.filter((value) => value <= step).length;
    const columns = [
      sampled,
      ...[whole.spark_steps, whole.spark_min, whole.spark_max].map((column) =>
        Array.from(column.values).slice(0, bins),
      ),
    ];
    const column = (buffer: number) => ({
      buffer,
      dtype: "float64" as const,
      shape: [columns[buffer]?.length ?? 0],
    });
    const payload: SummaryView = {
      ...whole,
      status: this.#paused ? "paused" : step === whole.latest_step ? "ended" : "live",
      latest_step: step,
      step_count: step + 1,
      sampled_step_count: sampled.length,
      latest_sampled_step: sampled.at(-1) ?? null,
      sampled_steps: column(0),
      spark_steps: column(1),
      spark_min: column(2),
      spark_max: column(3),
      finding_marks: marks,
    };
    return { payload, buffers: columns.map((values) => Float64Array.from(values).buffer) };
  }
}

/** The losses up to a step; every column has one entry a bin. */
function cutSteps(reply: Reply, step: number): Reply {
  const steps = decodeReply("losses", reply).steps.values;
  const count = Array.from(steps).filter((value) => value <= step).length;
  const buffers = reply.buffers.map((buffer) =>
    buffer.slice(0, (buffer.byteLength / steps.length) * count),
  );
  const text = JSON.stringify(reply.payload, (key, value) => (key === "shape" ? [count] : value));
  return { payload: { ...JSON.parse(text), last_step: step }, buffers };
}
