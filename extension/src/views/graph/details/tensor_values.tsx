import type { Answer, CommandParams } from "../../../protocol";
import { formatCount, formatNumber, formatShape } from "../../shared/format";
import { SideKey } from "../../shared/symbols";
import { useResource } from "../../shared/use_resource";

/** Most rows and columns of the table; the rest is counted. */
const MOST_ROWS = 8;
const MOST_COLUMNS = 6;

type Asked = "tensor_values" | "graph_constant";

/** The elements of a tensor, as far as they were kept; else how to keep them. */
export function TensorValues<C extends Asked>(props: { command: C; params: CommandParams[C] }) {
  const answer = useResource(props.command, props.params);
  if (answer.error) {
    return (
      <p class="ov-muted" role="alert" data-testid="tensor-values">
        {answer.error}
      </p>
    );
  }
  const data = answer.data as Answer<Asked> | null;
  if (data === null || answer.previous) return <p class="ov-muted">Loading the values …</p>;
  return (
    <div class="ov-tensor" data-testid="tensor-values" data-status={data.status}>
      {data.side !== null && <SideKey side={data.side} />}
      {data.status === "captured" ? <Kept data={data} /> : <NotKept data={data} />}
    </div>
  );
}

function NotKept({ data }: { data: Answer<Asked> }) {
  return (
    <p class="ov-muted">
      {data.reason || "This tensor was not kept."}{" "}
      {!/keep=/.test(data.reason) && (
        <>
          To keep it: <code>ortviz.wrap(model, keep=["{data.name}"])</code>
        </>
      )}
    </p>
  );
}

function Kept({ data }: { data: Answer<Asked> }) {
  const columns = Math.max(1, data.shape.at(-1) ?? 1);
  const values = data.values.values;
  const rowCount = Math.ceil(values.length / columns);
  const rows = [...Array(Math.min(rowCount, MOST_ROWS)).keys()].map((row) => [
    ...values.subarray(row * columns, row * columns + Math.min(columns, MOST_COLUMNS)),
  ]);
  const whole = rowCount <= MOST_ROWS && columns <= MOST_COLUMNS && !data.sampled;
  return (
    <>
      <p class="ov-muted">
        {data.dtype} {formatShape(data.shape)} · {formatNumber(data.minimum)} …{" "}
        {formatNumber(data.maximum)}, mean {formatNumber(data.mean)}
      </p>
      <table>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((value, column) => (
                <td key={column} class="ov-num">
                  {formatNumber(wire(value))}
                </td>
              ))}
              {columns > MOST_COLUMNS && <td class="ov-muted">…</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {!whole && (
        <p class="ov-muted">
          The first of {formatCount(data.element_count)} elements
          {data.sampled ? `; ${formatCount(values.length)} were sent` : ""}.
        </p>
      )}
    </>
  );
}

function wire(value: number) {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "Infinity" : "-Infinity";
}
