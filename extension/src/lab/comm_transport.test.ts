import type { Kernel } from "@jupyterlab/services";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CommTransport, type RunRow } from "./comm_transport";

const RUN: RunRow = {
  run_id: "r1",
  name: "model",
  run_path: "/runs/a.ortviz",
  status: "live",
  controls: true,
};

/** A kernel's comm as far as the transport uses it; `say` is what the kernel sends. */
class FakeComm {
  readonly sent: Record<string, unknown>[] = [];
  readonly subshellStarted = Promise.resolve();
  isDisposed = false;
  opened = false;
  onMsg: (message: unknown) => void = () => {};
  onClose: (message: unknown) => void = () => {};
  open = () => {
    this.opened = true;
  };
  send = (data: Record<string, unknown>) => this.sent.push(data);
  close = vi.fn();
  dispose = () => {
    this.isDisposed = true;
  };
  say(data: object, buffers: unknown[] = []): void {
    this.onMsg({ content: { data }, buffers });
  }
}

async function opened(runs: RunRow[] = [RUN]) {
  const comm = new FakeComm();
  const opening = CommTransport.open(kernelOf(comm));
  await vi.waitFor(() => expect(comm.opened).toBe(true));
  comm.say({ type: "runs", runs });
  return { comm, ...(await opening) };
}

function kernelOf(comm: FakeComm): Kernel.IKernelConnection {
  return { createComm: () => comm } as unknown as Kernel.IKernelConnection;
}

describe("CommTransport", () => {
  afterEach(() => vi.useRealTimers());

  it("controls what the kernel records, and nothing that it has only loaded", async () => {
    const { transport } = await opened();
    expect(transport.controllable).toBe(false);
    transport.select(RUN);
    expect(transport.controllable).toBe(true);
    transport.select({ ...RUN, controls: false });
    expect(transport.controllable).toBe(false);
  });

  it("hears the runs, chooses one and asks", async () => {
    const { comm, transport, runs } = await opened();
    expect(runs).toEqual([RUN]);
    transport.select(RUN);
    const asked = transport.request("traces", { step: 4 });
    expect(comm.sent).toEqual([
      { type: "select", run_id: "r1" },
      { type: "command", id: 1, command: "traces", params: { step: 4 } },
    ]);
    const bytes = new Uint8Array([0, 1, 2, 3]);
    comm.say({ type: "reply", id: 1, payload: { a: 1 } }, [new DataView(bytes.buffer, 1, 2)]);
    const reply = await asked;
    expect(reply.payload).toEqual({ a: 1 });
    expect(reply.buffers.map((buffer) => [...new Uint8Array(buffer)])).toEqual([[1, 2]]);
  });

  it("gives the kernel's own words when it refuses", async () => {
    const { comm, transport } = await opened();
    const asked = transport.request("traces", { step: 4 });
    comm.say({ type: "error", id: 1, message: "Step 4 was not recorded." });
    await expect(asked).rejects.toThrow("Step 4 was not recorded.");
  });

  it("passes pushes on until its listener leaves", async () => {
    const { comm, transport } = await opened();
    const heard = vi.fn();
    const leave = transport.onPush(heard);
    const push = { type: "push", command: "summary", params: {}, payload: {} };
    comm.say(push);
    leave();
    comm.say(push);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("says that ortviz is not loaded when the kernel closes at once", async () => {
    const comm = new FakeComm();
    const opening = CommTransport.open(kernelOf(comm));
    await vi.waitFor(() => expect(comm.opened).toBe(true));
    comm.onClose({});
    await expect(opening).rejects.toThrow("not loaded");
    expect(comm.isDisposed).toBe(true);
  });

  it("does not wait for a kernel that never answers", async () => {
    vi.useFakeTimers();
    const comm = new FakeComm();
    const opening = CommTransport.open(kernelOf(comm));
    const outcome = expect(opening).rejects.toThrow("while a cell runs");
    await vi.advanceTimersByTimeAsync(5_000);
    await outcome;
    expect(comm.isDisposed).toBe(true);
  });

  it("ends what is asked when the kernel goes, and says so", async () => {
    const { comm, transport } = await opened();
    const status = vi.fn();
    transport.onStatus(status);
    const asked = transport.request("run", {});
    comm.onClose({});
    await expect(asked).rejects.toMatchObject({ unreachable: true });
    await expect(transport.request("run", {})).rejects.toMatchObject({ unreachable: true });
    expect(status).toHaveBeenCalledWith("lost");
    transport.dispose();
    expect(comm.close).toHaveBeenCalledTimes(1);
  });
});
