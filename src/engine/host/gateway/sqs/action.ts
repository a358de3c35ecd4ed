/** One action of the service: what it takes, what it gives, and what it does. Both protocols read and write by it. */
import type { Asked, Desk } from './desk.ts';
import type { RecordShape, ValueOf } from './shape.ts';

export interface Action {
  readonly input: RecordShape;
  /** Undefined: nothing comes back. */
  readonly output: RecordShape | undefined;
  /** Rejects with `SqsError`. */
  run(input: unknown, desk: Desk, asked: Asked): Promise<Readonly<Record<string, unknown>>>;
}

type Run<Input, Output> = (input: Input, desk: Desk, asked: Asked) => Promise<Output>;

/** An action that gives something. */
export function asks<Input extends RecordShape, Output extends RecordShape>(
  input: Input,
  output: Output,
  run: Run<ValueOf<Input>, ValueOf<Output>>,
): Action {
  return {
    input,
    output,
    run: async (value, desk, asked) =>
      (await run(value as ValueOf<Input>, desk, asked)) as Readonly<Record<string, unknown>>,
  };
}

/** An action that gives nothing but its success. */
export function does<Input extends RecordShape>(input: Input, run: Run<ValueOf<Input>, void>): Action {
  return {
    input,
    output: undefined,
    run: async (value, desk, asked) => {
      await run(value as ValueOf<Input>, desk, asked);
      return {};
    },
  };
}
