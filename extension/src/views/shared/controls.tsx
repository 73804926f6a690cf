import { useId } from "preact/hooks";

/** A few exclusive choices side by side. */
export interface Choice<T extends string> {
  value: T;
  label: string;
  title?: string;
}

/** Radio buttons drawn as one segmented control; arrow keys work as in any radio group. */
export function Segmented<T extends string>(props: {
  label: string;
  choices: readonly Choice<T>[];
  value: T;
  onChange: (value: NoInfer<T>) => void;
  testid?: string;
}) {
  const group = useId();
  return (
    <fieldset class="ov-segmented" data-testid={props.testid}>
      <legend class="ov-sr">{props.label}</legend>
      {props.choices.map((choice) => (
        <label
          key={choice.value}
          class={choice.value === props.value ? "ov-on" : ""}
          title={choice.title}
          data-testid={props.testid && `${props.testid}-${choice.value}`}
        >
          <input
            type="radio"
            class="ov-sr"
            name={group}
            checked={choice.value === props.value}
            onChange={() => props.onChange(choice.value)}
          />
          {choice.label}
        </label>
      ))}
    </fieldset>
  );
}

/** A switch with its label. */
export function Toggle(props: {
  label: string;
  checked: boolean;
  onChange(checked: boolean): void;
  title?: string;
  testid?: string;
}) {
  return (
    <label class="ov-toggle" title={props.title}>
      <input
        type="checkbox"
        checked={props.checked}
        data-testid={props.testid}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      {props.label}
    </label>
  );
}
