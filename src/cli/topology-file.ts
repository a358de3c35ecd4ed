/** A user's own mesh for the simulator, from a file in YAML or JSON; its shape is checked here, its names in the engine. */
import { z } from 'zod';
import { problemError, type SimulationTopology } from '../engine/index.ts';
import { dropEmpty } from './settings.ts';

const ms = z.int().min(0);
const name = z.string().min(1);
const when = { atMs: ms, forMs: ms.optional() };

const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    ...when,
    kind: z.literal('crash'),
    node: name,
    silent: z.boolean().optional(),
    wiped: z.boolean().optional(),
  }),
  z.strictObject({ ...when, kind: z.enum(['pause', 'leave', 'drain']), node: name }),
  z.strictObject({ ...when, blockedMs: ms, freeMs: ms, kind: z.literal('slow'), node: name }),
  z.strictObject({ ...when, kind: z.literal('partition'), nodes: z.array(name).min(1) }),
  z.strictObject({ ...when, from: name, kind: z.literal('cut'), oneWay: z.boolean().optional(), to: name }),
  z.strictObject({ ...when, delayMs: ms, kind: z.literal('storm'), share: z.number().min(0).max(1) }),
]);

const topology = z.strictObject({
  nodes: z
    .array(
      z.strictObject({
        name,
        region: name.optional(),
        resources: z.array(name).optional(),
        functions: z
          .array(
            z.union([name, z.strictObject({ name, version: name.optional(), resources: z.array(name).optional() })]),
          )
          .optional(),
        startMs: ms.optional(),
      }),
    )
    .min(1),
  latencyMs: z.tuple([ms, ms]).optional(),
  durationMs: ms.optional(),
  seeds: z.array(name).optional(),
  faults: z.array(fault).optional(),
  calls: z
    .array(
      z.strictObject({
        atMs: ms,
        node: name,
        fun: name,
        args: z.array(z.unknown()).optional(),
        locs: z.array(name).optional(),
        timeoutMs: ms.optional(),
      }),
    )
    .optional(),
});

/** `file` names the source in messages. */
export async function parseTopology(text: string, file: string): Promise<SimulationTopology> {
  let document: unknown;
  try {
    document = (await import('yaml')).parse(text); // JSON is YAML
  } catch (error) {
    throw problemError('input-invalid', `${file}: ${(error as Error).message.trim()}`);
  }
  const checked = topology.safeParse(document);
  // Why the cast: zod types what may be absent as "or undefined"; parsed text holds no undefined.
  if (checked.success) return checked.data as SimulationTopology;
  const issue = checked.error.issues[0];
  const path = issue?.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  throw problemError(
    'input-invalid',
    `${file}: ${issue?.message ?? 'not a topology'}`,
    dropEmpty({ path: path?.replace(/^\./, '') }),
  );
}
