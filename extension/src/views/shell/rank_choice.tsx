import { useRanks } from "../shared/context";

/** Which process of a distributed training is shown; nothing where there is only one. */
export function RankChoice() {
  const ranks = useRanks();
  const choices = ranks?.choices.value ?? [];
  if (ranks === null || choices.length < 2) return null;
  const shown = ranks.shown.value ?? choices[0];
  return (
    <label
      class="ov-rank"
      title="The process that is shown. Gradients are each process's own, from before they are averaged."
    >
      rank
      <select
        value={String(shown)}
        onChange={(event) => ranks.pick(Number(event.currentTarget.value))}
        data-testid="rank"
      >
        {choices.map((rank) => (
          <option key={rank} value={String(rank)}>
            {rank}
          </option>
        ))}
      </select>
    </label>
  );
}
