import type { ViewName } from "../../protocol";
import { useStore } from "../shared/context";
import { SideKey } from "../shared/symbols";
import { VIEW_LABELS } from "../shared/words";

/** The views in the order of their tabs. */
export const VIEWS = Object.keys(VIEW_LABELS) as readonly ViewName[];

/** The tab bar; left and right arrows move between tabs, as ARIA's tab pattern has it. */
export function Tabs({ id, onExpand }: { id: string; onExpand: (() => void) | null }) {
  const { selection } = useStore();
  const current = selection.view.value;
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const target = tabAfter(current, event.key);
    if (target === null) return;
    event.preventDefault();
    selection.view.value = target;
    event.currentTarget
      .querySelector<HTMLElement>(`#${CSS.escape(`${id}-tab-${target}`)}`)
      ?.focus();
  };
  return (
    <nav class="ov-tabs">
      <div role="tablist" aria-label="Views" onKeyDown={onKeyDown}>
        {VIEWS.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-tab-${name}`}
            aria-selected={current === name}
            aria-controls={`${id}-panel-${name}`}
            tabIndex={current === name ? 0 : -1}
            onClick={() => {
              selection.view.value = name;
            }}
            data-testid={`tab-${name}`}
          >
            {VIEW_LABELS[name]}
          </button>
        ))}
      </div>
      <div class="ov-legend">
        <SideKey side="reference" />
        <SideKey side="candidate" />
        {onExpand && <FullScreenButton onClick={onExpand} />}
      </div>
    </nav>
  );
}

function FullScreenButton({ onClick }: { onClick(): void }) {
  return (
    <button
      type="button"
      class="ov-icon-button"
      aria-label="Full screen"
      title="Full screen"
      onClick={onClick}
      data-testid="full-screen"
    >
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        <path d="M1 5V1h4M11 7v4H7M1.5 1.5l3.5 3.5M10.5 10.5 7 7" class="ov-stroke" />
      </svg>
    </button>
  );
}

/** The tab a key leads to; null for keys that lead nowhere. */
export function tabAfter(current: ViewName, key: string): ViewName | null {
  const index = VIEWS.indexOf(current);
  const targets: Record<string, number> = {
    ArrowRight: (index + 1) % VIEWS.length,
    ArrowLeft: (index + VIEWS.length - 1) % VIEWS.length,
    Home: 0,
    End: VIEWS.length - 1,
  };
  const target = targets[key];
  return target === undefined ? null : (VIEWS[target] ?? null);
}
