import type { Overlay } from "../../graph/types";

/** What the colours of a picture stand for. */
export function Legend({ overlay }: { overlay: Overlay }) {
  return (
    <details class="ov-picture-legend" open data-testid="graph-legend" data-overlay={overlay.name}>
      <summary>Legend</summary>
      <ul>
        {overlay.legend.map((row) => (
          <li key={`${row.mark}${row.label}`}>
            <span class="ov-swatch" style={{ background: row.color }} aria-hidden="true" />
            <b>{row.mark}</b> {row.label}
          </li>
        ))}
      </ul>
      {overlay.notes.map((note) => (
        <p key={note} class="ov-muted">
          {note}
        </p>
      ))}
    </details>
  );
}
