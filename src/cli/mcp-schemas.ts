/**
 * What the functions of the mesh take, as the argument schemas of tools. Nodes keep the schemas of their functions; a node
 * that has the function is asked (`mpreg.describe`), once for each version on each node.
 *
 *     a schema of an object     the tool takes exactly that: the function's named arguments
 *     a schema of a list        the tool takes { args: that list, kwargs }
 *     none, or anything else    the tool takes { args, kwargs }, whatever they hold
 */
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { type Client, compareVersions, type FunctionView } from '../engine/index.ts';

type Schema = Readonly<Record<string, unknown>>;

/** What a tool takes, and whether it is the function's named arguments and nothing else. */
export interface ToolInput {
  readonly schema: Tool['inputSchema'];
  readonly named: boolean;
}

export class ToolInputs {
  readonly #client: Client;
  /** What was told, by node, function and version; of functions that are on offer now. */
  #known: ReadonlyMap<string, ToolInput> = new Map();

  constructor(client: Client) {
    this.#client = client;
  }

  /** By function. A node that does not answer in time is asked again the next time, and its tools take anything until then. */
  async of(functions: readonly FunctionView[]): Promise<ReadonlyMap<string, ToolInput>> {
    const byFun = Map.groupBy(functions, ({ name }) => name);
    const known = new Map<string, ToolInput>();
    const inputs = new Map<string, ToolInput>();
    const open = byFun.entries();
    const askOn = async () => {
      for (const [fun, views] of open) {
        const view = newest(views);
        // Whoever has a schema tells a signature that was made of it.
        if (view?.signature === undefined) continue;
        const key = JSON.stringify([view.id, fun, view.version, view.signature]);
        const input = this.#known.get(key) ?? (await this.#ask(view));
        if (input === undefined) continue;
        known.set(key, input);
        inputs.set(fun, input);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, askOn));
    this.#known = known;
    return inputs;
  }

  async #ask({ id, name }: FunctionView): Promise<ToolInput | undefined> {
    try {
      const described = this.#client.call.with({ idempotent: true, node: id, timeoutMs: ASK_MS });
      const { argsSchema = null } = ((await described('mpreg.describe', name)) ?? {}) as { argsSchema?: Schema | null };
      return toolInput(argsSchema);
    } catch {
      return undefined;
    }
  }
}

const AT_ONCE = 16;
const ASK_MS = 2_000;

/** The one that a call without a version goes to: the highest version, on the first of its nodes. */
function newest(views: readonly FunctionView[]): FunctionView | undefined {
  return views.toSorted((a, b) => compareVersions(b.version, a.version) || (a.id < b.id ? -1 : 1))[0];
}

const KWARGS: Schema = { additionalProperties: true, description: 'Arguments that have names.', type: 'object' };

export const ANYTHING: ToolInput = {
  named: false,
  schema: {
    additionalProperties: false,
    properties: { args: { description: 'The arguments, in their order.', items: {}, type: 'array' }, kwargs: KWARGS },
    type: 'object',
  },
};

/** Made of the schema of a function's arguments, as its node tells it. */
export function toolInput(args: Schema | null): ToolInput {
  if (args?.['type'] === 'object') return { named: true, schema: { ...args, type: 'object' } };
  if (args?.['type'] !== 'array') return ANYTHING;
  const { $defs, ...list } = moved(args, '#/properties/args') as Schema;
  const needed = [list['prefixItems'], list['minItems']].some((one) => (Array.isArray(one) ? one.length : one));
  return {
    named: false,
    schema: {
      additionalProperties: false,
      properties: { args: { description: 'The arguments, in their order.', ...list }, kwargs: KWARGS },
      type: 'object',
      ...(needed && { required: ['args'] }),
      ...($defs !== undefined && { $defs }),
    },
  };
}

/** The same schema standing at `at`, but for its `$defs`, which stay at the top: references are made to lead there. */
function moved(value: unknown, at: string): unknown {
  if (Array.isArray(value)) return value.map((one) => moved(one, at));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const leads = key === '$ref' && typeof one === 'string' && /^#(\/|$)/.test(one) && !one.startsWith('#/$defs/');
      return [key, leads ? `${at}${(one as string).slice(1)}` : moved(one, at)];
    }),
  );
}
