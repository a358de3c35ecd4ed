import type { FunctionDefinition } from '../../api.ts';
import type { FunctionRecord } from '../../core/directory/record.ts';
import type { JsonSchema } from '../../standard-schema.ts';
import type { Settle } from '../client.ts';
import type { Job, JobEvents } from '../ports.ts';
import type { Asked, Cancel } from './nested-calls.ts';
import { type Feed, feedOf } from './queue-feed.ts';
import { jsonSchemaOf } from './schemas.ts';
import { signatureOf } from './signature.ts';
import { type Trigger, triggerOf } from './trigger.ts';

/** A function as its runner has it: what everybody is told, and what only its own node knows. Plain data. */
export interface FunctionOffer {
  readonly record: FunctionRecord;
  /** Where its author said so. */
  readonly concurrency?: number;
  readonly queue?: number;
  readonly trigger?: Trigger;
  readonly feed?: Feed;
  readonly argsSchema?: JsonSchema;
  readonly resultSchema?: JsonSchema;
}

/** One of a node's several runners. What it offers may change while it runs. */
export interface PartRunner {
  readonly offers: readonly FunctionOffer[];
  /** Calls of one function at once, where its author did not say. */
  readonly concurrency: number;
  own(events: PartEvents): void;
  run(job: Job): void;
  /** Does nothing for a task that it does not have. */
  abort(task: Job['task'], reason: string): void;
  /** So many items of a paced job were taken. Absent: its items are never held back. */
  more?(task: Job['task'], items: number): void;
  close(graceMs: number): Promise<void>;
}

export interface PartEvents extends JobEvents {
  /** `offers` are others now. */
  changed(): void;
  /** The task's function makes a call; `settle` is called exactly once, later. */
  call(task: Job['task'], asked: Asked, settle: Settle): Cancel;
}

const DEFAULT_VERSION = '1.0.0';

export function offerOf(definition: FunctionDefinition): FunctionOffer {
  const { args, result, run: _, ...about } = definition;
  return withSchemas(about, jsonSchemaOf(args, 'input'), jsonSchemaOf(result, 'output'));
}

/** What an author said about a function, but for the function itself. */
export type Described = Omit<FunctionDefinition, 'args' | 'result' | 'run'>;

export function withSchemas(
  given: Described,
  argsSchema: JsonSchema | undefined,
  resultSchema: JsonSchema | undefined,
): FunctionOffer {
  const { batch, concurrency, deadLetter, group, on, queue, retry, visibilityMs, ...more } = given;
  const { version = DEFAULT_VERSION, resources = [], ...about } = more;
  const signature = signatureOf(argsSchema, resultSchema);
  const triggering = {
    ...(deadLetter && { deadLetter }),
    ...(group && { group }),
    ...(on && { on }),
    ...(retry && { retry }),
  };
  const trigger = triggerOf(about.name, triggering);
  const feed = feedOf({
    ...(batch && { batch }),
    ...(concurrency && { concurrency }),
    ...(queue !== undefined && { queue }),
    ...(visibilityMs && { visibilityMs }),
  });
  return {
    record: { ...about, resources: [...resources], version, ...(signature !== undefined && { signature }) },
    ...(concurrency !== undefined && { concurrency }),
    ...(typeof queue === 'number' && { queue }),
    ...(feed !== undefined && { feed }),
    ...(trigger !== undefined && { trigger }),
    ...(argsSchema !== undefined && { argsSchema }),
    ...(resultSchema !== undefined && { resultSchema }),
  };
}
