import { type Reply, TransportError } from "./transport";

/**
 * One message with its buffers as one block of bytes; the layout is that of
 * `ortviz/protocol/codec.py`: length of the JSON (4 bytes, little-endian), JSON, zeros up to a
 * multiple of 8, then the buffers, whose offsets count from the start of that section.
 */
const HEADER_BYTES = 4;
const ALIGNMENT_BYTES = 8;

interface FrameHead {
  payload: unknown;
  buffers: [offset: number, length: number][];
}

/** @throws TransportError when the bytes are not a frame or were cut short. */
export function decodeFrame(frame: ArrayBuffer): Reply {
  if (frame.byteLength < HEADER_BYTES) throw broken(frame, "it is too short");
  const jsonBytes = new DataView(frame).getUint32(0, true);
  const start = aligned(HEADER_BYTES + jsonBytes);
  if (frame.byteLength < start) throw broken(frame, "it was cut short");
  const head = readHead(frame, jsonBytes);
  const buffers = head.buffers.map(([offset, length]) => {
    if (start + offset + length > frame.byteLength) throw broken(frame, "a buffer was cut short");
    return frame.slice(start + offset, start + offset + length);
  });
  return { payload: head.payload, buffers };
}

function readHead(frame: ArrayBuffer, jsonBytes: number): FrameHead {
  try {
    const text = new TextDecoder().decode(new Uint8Array(frame, HEADER_BYTES, jsonBytes));
    const head = JSON.parse(text) as FrameHead;
    if (Array.isArray(head.buffers)) return head;
  } catch {
    // Told below, with the same words as for any other text that is no head.
  }
  throw broken(frame, "it does not begin with JSON");
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function broken(frame: ArrayBuffer, why: string): TransportError {
  return new TransportError(`An answer of ${frame.byteLength} bytes could not be read: ${why}.`);
}
