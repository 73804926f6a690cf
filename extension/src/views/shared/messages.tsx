import type { ComponentChildren } from "preact";

/** Nothing to show: says so, and what to do next. */
export function Empty(props: { title: string; children?: ComponentChildren; testid?: string }) {
  return (
    <div class="ov-message" data-testid={props.testid ?? "empty"}>
      <p class="ov-message-title">{props.title}</p>
      {props.children && <div class="ov-message-body">{props.children}</div>}
    </div>
  );
}

/** A request that failed, in its own words, with a way to try again. */
export function Failure({ message, onRetry }: { message: string; onRetry?: () => void }) {
  return (
    <div class="ov-message" role="alert" data-testid="failure">
      <p class="ov-message-title">This could not be shown.</p>
      <p class="ov-message-body">{message}</p>
      {onRetry && (
        <button type="button" class="ov-button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** On its way; appears only after a moment, so that quick answers do not flicker. */
export function Loading({ what }: { what: string }) {
  return (
    <div class="ov-message ov-loading" role="status">
      <p class="ov-message-body">Loading {what} …</p>
    </div>
  );
}

/** Sentences that belong to what is shown. */
export function Notes({ notes }: { notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <ul class="ov-notes">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}

/** The same in one line, which opens: for where what is shown needs the room. */
export function FoldedNotes({ notes }: { notes: readonly string[] }) {
  const [first, ...more] = notes;
  if (first === undefined) return null;
  const rest = more.length === 0 ? "" : `and ${more.length} more`;
  return (
    <details class="ov-folded" data-testid="folded-notes">
      <summary class="ov-folded-line" title={notes.join("\n")}>
        <span class="ov-ellipsis">{first}</span>
        {rest && <b>{rest}</b>}
      </summary>
      <Notes notes={notes} />
    </details>
  );
}
