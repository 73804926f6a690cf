import { useEffect, useRef, useState } from "preact/hooks";
import { NetronFrame, type NetronPick } from "../../netron/frame";
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
  /** Values whose nodes are marked. */
  marked: readonly string[];
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
  const { source, mode, stage, marked, focus } = props;
  const { theme } = useDebugger();
  const element = useRef<HTMLIFrameElement>(null);
  const frame = useRef<NetronFrame | null>(null);
  const clicked = useRef<string | null>(null);
  const onPick = useRef(props.onPick);
  onPick.current = props.onPick;
  const [phase, setPhase] = useState<Phase>({ kind: "loading" });
  const [attempt, setAttempt] = useState(0);
  const mustSend = source.kind === "document";
  const model = useResource("graph_model", mustSend ? { mode, stage } : null);
  const dark = theme.value;

  useEffect(() => {
    if (element.current === null) return;
    frame.current = new NetronFrame(element.current, {
      opened: (_, nodes) => setPhase({ kind: "shown", nodes }),
      failed: (_, message) => setPhase({ kind: "failed", message }),
      picked: (pick) => {
        clicked.current = pick.values[0] ?? null;
        onPick.current(pick);
      },
    });
    return () => frame.current?.dispose();
  }, []);

  useEffect(() => {
    setPhase({ kind: "loading" });
    return navigate(source, mode, stage, element.current, frame.current, theme.peek(), (message) =>
      setPhase({ kind: "failed", message }),
    );
  }, [source, source.kind === "server" ? `${mode}/${stage}` : "", attempt]);

  useEffect(() => {
    if (!mustSend || model.data === null || model.previous) return;
    setPhase({ kind: "loading" });
    const { values } = model.data.model;
    frame.current?.open(model.data.file_name, values.slice().buffer as ArrayBuffer);
  }, [mustSend, model.data, model.previous, attempt]);

  useEffect(() => frame.current?.theme(dark), [dark]);
  useEffect(() => {
    if (element.current === null) return;
    const color = readPalette(element.current.parentElement ?? element.current).look;
    frame.current?.mark(marked.length > 0 ? [{ values: [...marked], color }] : []);
  }, [marked, dark, phase.kind]);
  useEffect(() => {
    // What was clicked in Netron is on screen already; scrolling to it would only jump.
    if (focus !== null && focus !== clicked.current) frame.current?.select(focus);
  }, [focus, phase.kind]);

  const failure = model.error ?? (phase.kind === "failed" ? phase.message : null);
  return (
    <div class="ov-netron" data-testid="netron" data-phase={failure ? "failed" : phase.kind}>
      <iframe ref={element} title={`Netron: ${stage}, ${mode}`} data-testid="netron-frame" />
      {failure !== null && (
        <div class="ov-netron-cover">
          <Failure
            message={`Netron could not show this stage: ${failure} The list shows the same nodes.`}
            onRetry={() => (model.error ? model.retry() : setAttempt(attempt + 1))}
          />
        </div>
      )}
      {failure === null && phase.kind === "loading" && (
        <div class="ov-netron-cover">
          <Loading what={`${stage} in Netron`} />
        </div>
      )}
    </div>
  );
}

/** Bring the page into the frame; returns how to abandon that. */
function navigate(
  source: NetronSource,
  mode: ModeName,
  stage: StageName,
  element: HTMLIFrameElement | null,
  frame: NetronFrame | null,
  theme: string,
  onFailure: (message: string) => void,
): () => void {
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
