import { useEffect, useRef, useState } from "preact/hooks";
import { NetronFrame, type NetronMark, type NetronPick } from "../../netron/frame";
import type { ModeName, NetronSource, StageName } from "../../protocol";
import { errorText } from "../../protocol";
import { useDebugger } from "../shared/context";
import { Failure, Loading } from "../shared/messages";
import { readPalette } from "../shared/palette";
import { useResource } from "../shared/use_resource";

interface NetronPaneProps {
  source: NetronSource;
  mode: ModeName;
  stage: StageName;
  /** Grows when ORTModule exports again. */
  exportIndex: number;
  /** Values whose nodes are marked. */
  marked: readonly string[];
  /** Colours of an overlay; the marked ones lie over them. */
  painted?: readonly NetronMark[];
  /** The value to scroll to. */
  focus: string | null;
  onPick(pick: NetronPick): void;
}

type Phase =
  | { kind: "loading" }
  | { kind: "shown"; nodes: number }
  | { kind: "failed"; message: string };

/** Netron in a frame of our own origin, showing one stage. */
export function NetronPane(props: NetronPaneProps) {
  const { mode, stage } = props;
  const element = useRef<HTMLIFrameElement>(null);
  const { phase, retry } = useNetron(element, props);
  const failure = phase.kind === "failed" ? phase.message : null;
  return (
    <div class="ov-netron" data-testid="netron" data-phase={phase.kind}>
      <iframe ref={element} title={`Netron: ${stage}, ${mode}`} data-testid="netron-frame" />
      {failure !== null && (
        <div class="ov-netron-cover">
          <Failure
            message={`Netron could not show this stage: ${failure} The list shows the same nodes.`}
            onRetry={retry}
          />
        </div>
      )}
      {phase.kind === "loading" && (
        <div class="ov-netron-cover">
          <Loading what={`${stage} in Netron`} />
        </div>
      )}
    </div>
  );
}

/** Drive the frame: what it shows, what is marked, and how far it is. */
function useNetron(
  element: { current: HTMLIFrameElement | null },
  props: NetronPaneProps,
): { phase: Phase; retry(): void } {
  const { source, mode, stage, exportIndex } = props;
  const frame = useRef<NetronFrame | null>(null);
  const [phase, setPhase] = useState<Phase>({ kind: "loading" });
  const [attempt, setAttempt] = useState(0);
  const mustSend = source.kind === "document";
  const model = useResource("graph_model", mustSend ? { mode, stage } : null);
  const { theme } = useDebugger();
  const clicked = useFrame(element, frame, props.onPick, setPhase);

  useEffect(() => {
    setPhase({ kind: "loading" });
    const place = { element: element.current, frame: frame.current, theme: theme.peek() };
    return navigate(source, mode, stage, place, (message) => setPhase({ kind: "failed", message }));
  }, [source, mustSend ? "" : `${mode}/${stage}/${exportIndex}`, attempt]);

  useEffect(() => {
    if (!mustSend || model.data === null || model.previous) return;
    setPhase({ kind: "loading" });
    const { values } = model.data.model;
    frame.current?.open(model.data.file_name, values.slice().buffer as ArrayBuffer);
  }, [mustSend, model.data, model.previous, attempt]);

  useMarks(element, frame, props, phase, clicked);
  const failed: Phase | null = model.error ? { kind: "failed", message: model.error } : null;
  return {
    phase: failed ?? phase,
    retry: () => (failed ? model.retry() : setAttempt(attempt + 1)),
  };
}

/** One NetronFrame for as long as the iframe is there; returns the value last clicked in it. */
function useFrame(
  element: { current: HTMLIFrameElement | null },
  frame: { current: NetronFrame | null },
  onPick: (pick: NetronPick) => void,
  setPhase: (phase: Phase) => void,
): { current: string | null } {
  const clicked = useRef<string | null>(null);
  const handler = useRef(onPick);
  handler.current = onPick;
  useEffect(() => {
    if (element.current === null) return;
    frame.current = new NetronFrame(element.current, {
      opened: (_, nodes) => setPhase({ kind: "shown", nodes }),
      failed: (_, message) => setPhase({ kind: "failed", message }),
      picked: (pick) => {
        clicked.current = pick.values[0] ?? null;
        handler.current(pick);
      },
    });
    return () => frame.current?.dispose();
  }, []);
  return clicked;
}

const NOTHING: readonly NetronMark[] = [];

/** Colour the marked nodes, scroll to the one in focus, and wear the page's theme. */
function useMarks(
  element: { current: HTMLIFrameElement | null },
  frame: { current: NetronFrame | null },
  { marked, painted = NOTHING, focus }: NetronPaneProps,
  phase: Phase,
  clicked: { current: string | null },
): void {
  const theme = useDebugger().theme.value;
  useEffect(() => frame.current?.theme(theme), [theme]);
  useEffect(() => {
    if (element.current === null) return;
    const { look, ink } = readPalette(element.current.parentElement ?? element.current);
    // Where an overlay owns the colours, what is chosen must not look like what is wrong.
    const chosen = painted.length > 0 ? { color: ink, around: true } : { color: look };
    const own = marked.length > 0 ? [{ values: [...marked], ...chosen }] : [];
    frame.current?.mark([...painted, ...own]);
  }, [marked, painted, theme, phase.kind]);
  useEffect(() => {
    // What was clicked in Netron is on screen already; scrolling to it would only jump.
    if (focus !== null && focus !== clicked.current) frame.current?.select(focus);
  }, [focus, phase.kind]);
}

/** Bring the page into the frame; returns how to abandon that. */
function navigate(
  source: NetronSource,
  mode: ModeName,
  stage: StageName,
  place: { element: HTMLIFrameElement | null; frame: NetronFrame | null; theme: string },
  onFailure: (message: string) => void,
): () => void {
  const { element, frame, theme } = place;
  if (element === null) return () => {};
  let wanted = true;
  frame?.reset();
  if (source.kind === "server") {
    element.src = `${source.url(mode, stage)}&theme=${theme}`;
  } else {
    source.html().then(
      (html) => {
        if (wanted) element.srcdoc = html;
      },
      (error) => wanted && onFailure(errorText(error)),
    );
  }
  return () => {
    wanted = false;
  };
}
