import type { Overlay } from "../../graph/types";

/** What the two halves are told by where no overlay colours the boxes. */
const HALVES = [
  { color: "var(--ov-reference)", mark: "", label: "forward" },
  { color: "var(--ov-candidate)", mark: "", label: "backward" },
];

/**
 * What the colours of a picture stand for, in a strip below it, so that no box is covered.
 *
 * @param props.overlay Null where the boxes have the colours of their halves.
 * @param props.halves The graph has two halves to tell apart.
 */
export function Legend({ overlay, halves }: { overlay: Overlay | null; halves: boolean }) {
  const own = overlay?.legend ?? [];
  const plain = overlay === null || overlay.name === "findings";
  const rows = plain && halves ? [...HALVES, ...own] : own;
  const notes = overlay?.notes ?? [];
  if (rows.length === 0 && notes.length === 0) return null;
  const list = (
    <ul class="ov-legend-rows" aria-label="Legend">
      {rows.map((row) => (
        <li key={`${row.mark}${row.label}`}>
          <span class="ov-swatch" style={{ background: row.color }} aria-hidden="true" />
          {row.mark && <b>{row.mark}</b>} {row.label}
        </li>
      ))}
    </ul>
  );
  return (
    <div
      class="ov-picture-legend"
      data-testid="graph-legend"
      data-overlay={overlay?.name ?? "none"}
    >
      {notes.length === 0 ? (
        list
      ) : (
        // Where there is hardly a colour to explain, the notes say why.
        <details key={overlay?.name} open={rows.length < 2}>
          <summary title="What is counted, and what is not">{list}</summary>
          {notes.map((note) => (
            <p key={note} class="ov-muted">
              {note}
            </p>
          ))}
        </details>
      )}
    </div>
  );
}
