import { useEffect, useState } from "preact/hooks";
import { errorText } from "../../protocol";

/** What plotly's module exports. */
export type Plotly = typeof import("plotly.js-cartesian-dist-min");

let loaded: Plotly | null = null;

/** Null until it is there; `failure` says why it will not be. */
interface Loaded {
  plotly: Plotly | null;
  failure: string | null;
}

/** plotly.js, loaded when the first figure is drawn: other views need not wait for 1.4 MB. */
export function usePlotlyLibrary(): Loaded {
  const [state, setState] = useState<Loaded>({ plotly: loaded, failure: null });
  useEffect(() => {
    if (state.plotly !== null) return;
    let gone = false;
    const tell = (next: Loaded) => {
      if (!gone) setState(next);
    };
    import("plotly.js-cartesian-dist-min").then(
      (module) => {
        // Bundlers differ in where they put the exports of a CommonJS module.
        loaded = (module as { default?: Plotly }).default ?? module;
        tell({ plotly: loaded, failure: null });
      },
      (error) => tell({ plotly: null, failure: `plotly.js did not load: ${errorText(error)}` }),
    );
    return () => {
      gone = true;
    };
  }, []);
  return state;
}
