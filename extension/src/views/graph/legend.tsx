import type { LegendRow } from "../../graph/types";
import { plural } from "../shared/format";
import { DeepNote } from "./deep_note";
import type { PaneOverlay } from "./use_overlay";

/** What the two halves are told by where no overlay colours the boxes. */
const HALVES = [
  { color: "var(--ov-reference)", mark: "", label: "forward" },
  { color: "var(--ov-candidate)", mark: "", label: "backward" },
];

interface LegendProps extends PaneOverlay {
  /** The graph has two halves to tell apart. */
  halves: boolean;
  /** Sentences about the graph, whatever its colours. */
  notes?: readonly string[];
}

/**
 * What the colours and marks of a picture stand for, in a strip below it, so that no box is
 * covered; what else is to be said of it is folded there.
 *
 * Test ids: `graph-legend` with `data-overlay`, `graph-notes`.
 */
export function Legend({ overlay, record, halves, notes: graphNotes = [] }: LegendProps) {
  const own = overlay?.legend ?? [];
  const plain = overlay === null || overlay.name === "findings";
  const rows = plain && halves ? [...HALVES, ...own] : own;
  const notes = [...(overlay?.notes ?? []), ...graphNotes];
  if (rows.length === 0 && notes.length === 0) return null;
  return (
    <div
      class="ov-picture-legend"
      data-testid="graph-legend"
      data-overlay={overlay?.name ?? "none"}
    >
      {record?.deep === false && <DeepNote step={record.step} />}
      {notes.length === 0 ? (
        <LegendRows rows={rows} />
      ) : (
        // Where there is no colour to explain, the notes say why.
        <details key={overlay?.name} open={rows.every(({ color }) => color === "")}>
          <summary title="What is counted, and what is not">
            <LegendRows rows={rows} />
            <span class="ov-legend-more ov-muted">{plural(notes.length, "note")}</span>
          </summary>
          <div class="ov-legend-notes" data-testid="graph-notes">
            {notes.map((note) => (
              <p key={note} class="ov-muted">
                {note}
              </p>
            ))}
          </div>
        </details>
      )}
    </div>
  );
}

function LegendRows({ rows }: { rows: readonly LegendRow[] }) {
  return (
    <ul class="ov-legend-rows" aria-label="Legend">
      {rows.map(({ color, mark, label }) => (
        <li key={`${mark}${label}`}>
          {color !== "" && (
            <span class="ov-swatch" style={{ background: color }} aria-hidden="true" />
          )}
          {mark && <b>{mark}</b>} {label}
        </li>
      ))}
    </ul>
  );
}
