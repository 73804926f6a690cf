import type { CommandName, CommandParams } from "./messages.gen";
import type { NetronSource, Reply, StatusListener, Transport } from "./transport";

/** Another process of a distributed training, asked through the run that is open. */
export class RankTransport implements Transport {
  /** Each process is controlled in its own kernel only. */
  readonly controllable = false;

  constructor(
    readonly inner: Transport,
    readonly rank: number,
  ) {}

  /** All processes run the same graph. */
  get netron(): NetronSource | null {
    return this.inner.netron;
  }

  request<C extends CommandName>(command: C, params: CommandParams[C]): Promise<Reply> {
    return this.inner.request(command, { ...params, rank: this.rank });
  }

  retry(): void {
    this.inner.retry?.();
  }

  /** What is pushed is of the open run; the others are asked now and then. */
  onPush(): () => void {
    return () => {};
  }

  onStatus(listener: StatusListener): () => void {
    return this.inner.onStatus?.(listener) ?? (() => {});
  }

  /** The inner transport stays its owner's. */
  dispose(): void {}
}
