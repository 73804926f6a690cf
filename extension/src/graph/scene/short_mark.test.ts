import { describe, expect, it } from "vitest";
import { shortMark, tinyMark } from "./short_mark";

describe("an overlay's mark where there is little room", () => {
  const within = (length: number) => (text: string) => text.length <= length;

  it("loses its numbers before its signs", () => {
    expect(shortMark("◆ ≠ 0.05 ✱", within(10))).toBe("◆ ≠ 0.05 ✱");
    expect(shortMark("◆ ≠ 0.05 ✱", within(5))).toBe("◆ ≠ ✱");
    expect(shortMark("◆ ≠ 0.05 ✱", within(3))).toBe("◆ ≠");
    expect(shortMark("f 30 s 4", within(3))).toBe("f s");
    expect(shortMark("≈ 1e-7", within(0))).toBe("");
  });

  it("is a sign or two beside a title", () => {
    expect(tinyMark("◆ ≠ 0.05 ✱")).toBe("≠✱");
    expect(tinyMark("≈ 1e-7")).toBe("≈");
    expect(tinyMark("M 72 G 30 S 3")).toBe("M");
    expect(tinyMark("◆")).toBe("◆");
    expect(tinyMark("◆ 1.5")).toBe("◆");
    expect(tinyMark("0.25")).toBe("");
    expect(tinyMark("12 % · 1.7 ms")).toBe("");
    expect(tinyMark("◆ 3 | 0")).toBe("◆");
  });
});
