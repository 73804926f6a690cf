import { expect, it } from "vitest";
import { Kept } from "./kept";

it("keeps what fits, and drops what was not asked for longest", () => {
  const kept = new Kept<string>(10);
  kept.set("a", "A", 4);
  kept.set("b", "B", 4);
  expect(kept.get("a")).toBe("A");
  kept.set("c", "C", 4);
  expect(kept.get("b")).toBeUndefined();
  expect(kept.get("a")).toBe("A");
  expect(kept.get("c")).toBe("C");
});

it("counts a result that is replaced once", () => {
  const kept = new Kept<string>(10);
  kept.set("a", "A", 6);
  kept.set("a", "new", 6);
  kept.set("b", "B", 4);
  expect(kept.get("a")).toBe("new");
});

it("keeps one result that is larger than all room", () => {
  const kept = new Kept<string>(10);
  kept.set("a", "A", 4);
  kept.set("large", "L", 40);
  expect(kept.get("large")).toBe("L");
  expect(kept.get("a")).toBeUndefined();
});
