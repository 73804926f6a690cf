import { expect, it } from "vitest";
import { golden } from "../../../test/golden";
import { hasModules } from "./stages";

it("tells a graph whose modules are known in part from one without any", () => {
  const [row] = golden("graphs").stages;
  if (row === undefined) throw new Error("The golden run has stages.");
  const counts = { ...row, forward_count: 2, backward_count: 1 };
  expect(hasModules({ ...counts, untraced_count: 1 })).toBe(true);
  expect(hasModules({ ...counts, untraced_count: 3 })).toBe(false);
});
