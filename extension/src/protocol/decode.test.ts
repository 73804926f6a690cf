import { describe, expect, it } from "vitest";
import { bytesOf, golden, goldenFile, goldenReply } from "../../test/golden";
import { decodeColumn, decodeReply, ownBuffer, toNumber } from "./decode";
import { decodeFrame } from "./frame";

describe("toNumber", () => {
  it("gives back what JSON cannot carry", () => {
    expect(toNumber("NaN")).toBeNaN();
    expect(toNumber("Infinity")).toBe(Number.POSITIVE_INFINITY);
    expect(toNumber("-Infinity")).toBe(Number.NEGATIVE_INFINITY);
    expect(toNumber(-0.5)).toBe(-0.5);
    expect(toNumber(null)).toBeNull();
  });
});

describe("decodeColumn", () => {
  it("lays an array of the column's type over its buffer, NaN included", () => {
    const buffers = [new ArrayBuffer(1), Float32Array.of(1.5, Number.NaN).buffer];
    const column = decodeColumn({ buffer: 1, dtype: "float32", shape: [2] }, buffers);
    expect(column.values).toBeInstanceOf(Float32Array);
    expect([...column.values]).toEqual([1.5, Number.NaN]);
    expect(column.values.buffer).toBe(buffers[1]);
  });

  it("says what is wrong with a column that has no such buffer, or one of another length", () => {
    expect(() => decodeColumn({ buffer: 2, dtype: "uint8", shape: [1] }, [])).toThrow(/buffer 2/);
    const short = () =>
      decodeColumn({ buffer: 0, dtype: "int32", shape: [2, 3] }, [new ArrayBuffer(20)]);
    expect(short).toThrow("Buffer 0 has 20 bytes; int32 of shape (2, 3) needs 24.");
  });
});

describe("golden messages", () => {
  it("decodes the losses: one entry a bin in every column", () => {
    const losses = golden("losses");
    expect([...losses.steps.values]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(losses.series.length).toBeGreaterThan(0);
    for (const series of losses.series) expect(series.last.values).toHaveLength(8);
  });

  it("leaves texts alone even when they look like a number on the wire", () => {
    const reply = { payload: { rows: [{ title: "NaN" }] }, buffers: [] };
    expect(decodeReply("findings", reply).rows[0]?.title).toBe("NaN");
  });

  it("reads the frame that Python wrote", () => {
    const file = goldenFile("frame");
    const reply = decodeFrame(bytesOf(file.frame ?? ""));
    expect(reply.payload).toEqual(file.payload);
    expect(reply.buffers).toEqual(goldenReply("frame").buffers);
  });
});

describe("decodeFrame", () => {
  const whole = () => bytesOf(goldenFile("frame").frame ?? "");

  it.each([
    ["too short", () => new ArrayBuffer(3)],
    ["cut short", () => whole().slice(0, 20)],
    ["a buffer was cut short", () => whole().slice(0, whole().byteLength - 8)],
    ["does not begin with JSON", () => new ArrayBuffer(16)],
  ])("says that it is %s", (why, frame) => {
    expect(() => decodeFrame(frame())).toThrow(why);
  });
});

describe("ownBuffer", () => {
  it("copies just the part a view covers", () => {
    const bytes = Uint8Array.of(9, 1, 2, 9);
    const own = ownBuffer(new DataView(bytes.buffer, 1, 2));
    expect([...new Uint8Array(own)]).toEqual([1, 2]);
    bytes[1] = 7;
    expect(new Uint8Array(own)[0]).toBe(1);
  });
});
