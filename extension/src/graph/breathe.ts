/** Work in slices, so that the page answers input in between. */

/** How long one slice may take, in milliseconds; half a frame. */
const SLICE_MS = 8;

/** Resolves after the page had a turn. Timers are held to 4 ms by browsers, messages are not. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}

/**
 * Call `step` for `0 … count - 1`, with a pause whenever a slice is used up.
 *
 * @param signal Aborting ends it at the next pause, with the signal's reason.
 */
export async function inSlices(
  count: number,
  step: (index: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (let index = 0; index < count; index += 1) {
    step(index);
    // The clock is looked at now and then only: asking it costs more than most steps.
    if (index % 64 === 63 && performance.now() > sliceEnd) {
      await breathe();
      signal?.throwIfAborted();
      sliceEnd = performance.now() + SLICE_MS;
    }
  }
}
