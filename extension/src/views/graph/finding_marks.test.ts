import { describe, expect, it } from "vitest";
import { golden } from "../../../test/golden";
import { BLANK } from "../../graph/overlay";
import { GraphStructure } from "../../graph/structure";
import { groupItem, type Overlay } from "../../graph/types";
import { findingMarks, findingsBy, withFindings } from "./finding_marks";

const structure = new GraphStructure(golden("graph_structure"));
const { rows } = golden("findings");
const marks = findingMarks(structure, rows);
const [norm = -1] = structure.groupsOfModule("norm");
const plain: Overlay = {
  name: "plain",
  legend: [{ color: "#123456", mark: "", label: "all" }],
  notes: [],
  item: (item) => (item === groupItem(norm) ? null : { fill: "#123456", mark: "=" }),
  edge: () => null,
};

describe("marks of findings", () => {
  it("are there from the step on at which a finding begins", () => {
    const keys = (step: number | null) => findingsBy(rows, step).map(({ key }) => key);
    expect(keys(null)).toHaveLength(rows.length);
    expect(keys(1)).toEqual(["hooks_not_run:blocks.0"]);
    expect(keys(2)).toEqual(["frozen_batch_norm:norm", "hooks_not_run:blocks.0"]);
    expect(keys(9)).toHaveLength(rows.length);
  });

  it("have no line in the legend where there are none", () => {
    expect(withFindings(plain, new Set(), "light")).toBe(plain);
    expect(withFindings(null, new Set(), "light")).toBeNull();
  });

  it("have the colour in the legend that the boxes have", () => {
    const overlay = withFindings(null, marks, "light");
    const fill = overlay?.item(groupItem(norm))?.fill;
    expect(fill).toBeDefined();
    expect(overlay?.legend).toEqual([{ color: fill, mark: "◆", label: "a finding lies here" }]);
  });

  it("have no colour in the legend where the boxes have an overlay's", () => {
    const overlay = withFindings(plain, new Set([...marks, 1]), "light");
    expect(overlay?.legend.at(-1)).toMatchObject({ color: "", mark: "◆" });
    // What the overlay knows nothing of does not look like anything it knows.
    expect(overlay?.item(groupItem(norm))).toEqual({ fill: BLANK.light, mark: "◆" });
    expect(overlay?.item(1)).toEqual({ fill: "#123456", mark: "◆ =" });
  });
});
