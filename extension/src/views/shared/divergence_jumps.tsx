import type { DirectionName } from "../../protocol";
import { useStore } from "./context";
import { formatModule } from "./format";
import { DIRECTION_WORDS } from "./words";

/** A site that can be jumped to. */
export interface JumpSite {
  site_id: string;
  module: string;
  slot: string;
  direction: DirectionName;
  value_name: string;
}

interface DivergenceJumpsProps {
  /** One site a direction, where the two sides first differ. */
  first: readonly string[];
  /** Likewise where a difference is born. */
  own: readonly string[];
  find(siteId: string): JumpSite | null;
  onJump?(site: JumpSite): void;
}

const BORN =
  "The first site of this direction whose own error is more than rounding: given ORT's own input, " +
  "eager PyTorch still gets another result.";
const FIRST = "The first site of this direction where the two sides differ by more than rounding.";

/** Buttons that name where each direction goes wrong: where it is born, else where it first shows. */
export function DivergenceJumps({ first, own, find, onJump }: DivergenceJumpsProps) {
  const { selection } = useStore();
  const born = own.map(find).filter((site) => site !== null);
  const explained = new Set(born.map(({ direction }) => direction));
  const shown = first
    .map(find)
    .filter((site) => site !== null)
    .filter(({ direction }) => !explained.has(direction));
  const jump = (site: JumpSite) => {
    onJump?.(site);
    selection.pickSite(site);
  };
  return (
    <>
      {born.map((site) => (
        <button
          key={site.site_id}
          type="button"
          class="ov-button ov-jump"
          title={`${BORN}\n${site.site_id}`}
          onClick={() => jump(site)}
          data-testid={`born-${site.direction}`}
        >
          <b class="ov-sign ov-origin-here">≠</b> born in {DIRECTION_WORDS[site.direction]} at{" "}
          <Name site={site} />
        </button>
      ))}
      {shown.map((site) => (
        <button
          key={site.site_id}
          type="button"
          class="ov-button ov-jump ov-look"
          title={`${FIRST}\n${site.site_id}`}
          onClick={() => jump(site)}
          data-testid={`first-divergence-${site.direction}`}
        >
          ≠ first in {DIRECTION_WORDS[site.direction]} at <Name site={site} />
        </button>
      ))}
    </>
  );
}

/** Cut off at its left end: the last parts of a module's name tell most. */
function Name({ site }: { site: JumpSite }) {
  const isTensor = site.direction === "parameter_grad" || site.direction === "buffer";
  const name = isTensor
    ? [site.module, site.slot].filter(Boolean).join(".")
    : formatModule(site.module);
  return (
    <span class="ov-jump-name">
      <bdi>{name}</bdi>
    </span>
  );
}
