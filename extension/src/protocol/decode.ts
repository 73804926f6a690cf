import type { Column, CommandAnswers, CommandName, WireFloat } from "./messages.gen";
import { type Reply, TransportError } from "./transport";

/** The typed array of a column; C-contiguous, its shape beside it. */
export type ColumnArray = Float64Array | Float32Array | Int32Array | Uint8Array;

/** A column whose bytes have been found. */
export interface NumericColumn {
  values: ColumnArray;
  shape: number[];
}

/** A message in which every `Column` has become a `NumericColumn`. */
export type Decoded<T> = T extends Column
  ? NumericColumn
  : T extends (infer Item)[]
    ? Decoded<Item>[]
    : T extends object
      ? { [Key in keyof T]: Decoded<T[Key]> }
      : T;

/** What a command is answered with, its columns decoded. */
export type Answer<C extends CommandName> = Decoded<CommandAnswers[C]>;

const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  uint8: Uint8Array,
} as const;

/** A wire number as JavaScript's own, NaN and infinities included; null where there is none. */
export function toNumber(value: WireFloat): number | null {
  return value === null ? null : Number(value);
}

/**
 * Lay a typed array over a column's buffer, without a copy.
 *
 * @throws TransportError when the buffer is absent or not as long as the shape says.
 */
export function decodeColumn(column: Column, buffers: ArrayBuffer[]): NumericColumn {
  const buffer = buffers[column.buffer];
  const ArrayType = ARRAYS[column.dtype];
  if (buffer === undefined || ArrayType === undefined) {
    throw new TransportError(
      `An answer refers to buffer ${column.buffer} of type ${column.dtype}; it came with ${buffers.length} buffers.`,
    );
  }
  const expectedBytes = column.shape.reduce((a, b) => a * b, ArrayType.BYTES_PER_ELEMENT);
  if (buffer.byteLength !== expectedBytes) {
    throw new TransportError(
      `Buffer ${column.buffer} has ${buffer.byteLength} bytes; ${column.dtype} of shape (${column.shape.join(", ")}) needs ${expectedBytes}.`,
    );
  }
  return { values: new ArrayType(buffer), shape: column.shape };
}

/** Decode a whole answer. The caller says which command it answers; nothing else is checked. */
export function decodeReply<C extends CommandName>(_command: C, reply: Reply): Answer<C> {
  return decodeValue(reply.payload, reply.buffers) as Answer<C>;
}

function decodeValue(value: unknown, buffers: ArrayBuffer[]): unknown {
  if (Array.isArray(value)) return value.map((item) => decodeValue(item, buffers));
  if (typeof value !== "object" || value === null) return value;
  if (isColumn(value)) return decodeColumn(value, buffers);
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, decodeValue(child, buffers)]),
  );
}

function isColumn(value: object): value is Column {
  return (
    "buffer" in value &&
    "dtype" in value &&
    "shape" in value &&
    typeof value.buffer === "number" &&
    Object.keys(value).length === 3
  );
}

/** The bytes a view covers, in a buffer of their own: aligned and safe to keep. */
export function ownBuffer(view: ArrayBufferView | ArrayBuffer): ArrayBuffer {
  if (view instanceof ArrayBuffer) return view;
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return bytes.slice().buffer;
}
