import { useEffect, useState } from "preact/hooks";

/** What plotly's module exports. */
export type Plotly = typeof import("plotly.js-cartesian-dist-min");

let loaded: Plotly | null = null;

/** plotly.js, loaded when the first figure is drawn: other views need not wait for 1.4 MB. */
export function usePlotlyLibrary(): Plotly | null {
  const [library, setLibrary] = useState(loaded);
  useEffect(() => {
    if (library !== null) return;
    let gone = false;
    void import("plotly.js-cartesian-dist-min").then((module) => {
      // Bundlers differ in where they put the exports of a CommonJS module.
      loaded = (module as { default?: Plotly }).default ?? module;
      if (!gone) setLibrary(loaded);
    });
    return () => {
      gone = true;
    };
  }, []);
  return library;
}
