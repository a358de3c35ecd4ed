/**
 * Functions of the mesh as tools of the Model Context Protocol: names, descriptions, schemas, arguments and results.
 * It knows nothing of connections, neither to the mesh nor to the program that uses the tools.
 */
import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import {
  didNotHappen,
  type FunctionView,
  kindOf,
  type Problem,
  problemError,
  valueFromJson,
  valueToJson,
} from '../engine/index.ts';
import { ANYTHING, type ToolInput } from './mcp-schemas.ts';

/** One function, wherever it is, as a tool. */
export interface MeshTool {
  readonly fun: string;
  readonly idempotent: boolean;
  /** Whether all that it is given are named arguments of the function. */
  readonly named: boolean;
  readonly tool: Tool;
}

/** What language models' programs take for a tool's name: letters, digits, `_` and `-`, at most so many of them. */
const NAME_LENGTH_MAX = 64;
const NOT_IN_NAMES = /[^A-Za-z0-9_-]/g;

/** What nodes do for operators is none of a language model's business. */
const OPERATORS = 'mpreg.';

/** All tools in the order of their names, by name. `inputs`: what functions take, of those of which it is known. */
export function toolsOf(
  functions: readonly FunctionView[],
  inputs: ReadonlyMap<string, ToolInput> = new Map(),
): ReadonlyMap<string, MeshTool> {
  const offers = Map.groupBy(
    functions.filter(({ name }) => !name.startsWith(OPERATORS)),
    ({ name }) => name,
  );
  const names = toolNames([...offers.keys()]);
  const tools = [...offers].map(([fun, views]): [string, MeshTool] => {
    const name = names.get(fun) as string;
    const idempotent = views.every((view) => view.idempotent === true);
    const { named, schema } = inputs.get(fun) ?? ANYTHING;
    const tool: Tool = {
      annotations: { idempotentHint: idempotent, title: fun },
      description: describe(fun, views),
      inputSchema: schema,
      name,
    };
    return [name, { fun, idempotent, named, tool }];
  });
  return new Map(tools.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * A tool's name for each function. A name that is one already stays; others are made one, with a number behind them
 * where two become the same.
 */
export function toolNames(functions: readonly string[]): ReadonlyMap<string, string> {
  const fits = (fun: string) => fun.length <= NAME_LENGTH_MAX && fun.search(NOT_IN_NAMES) < 0;
  const taken = new Map(functions.filter(fits).map((fun) => [fun, fun]));
  const names = new Map(taken);
  for (const fun of functions.filter((name) => !fits(name)).sort()) {
    const plain = fun.replace(NOT_IN_NAMES, '_');
    let name = plain.slice(0, NAME_LENGTH_MAX);
    for (let i = 2; taken.has(name); i++) name = `${plain.slice(0, NAME_LENGTH_MAX - `_${i}`.length)}_${i}`;
    taken.set(name, fun);
    names.set(fun, name);
  }
  return names;
}

/** The arguments that a tool was called with; `named`: all of them are. Throws `input-invalid`. */
export function argumentsOf(
  given: Readonly<Record<string, unknown>> = {},
  named = false,
): {
  readonly args: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
} {
  if (named) return argumentsOf({ kwargs: given });
  const { args = [], kwargs, ...more } = given;
  const [extra] = Object.keys(more);
  if (extra !== undefined) throw problemError('input-invalid', `there is no argument "${extra}", only args and kwargs`);
  if (!Array.isArray(args)) throw problemError('input-invalid', 'args must be a list');
  if (kwargs !== undefined && !isObject(kwargs)) throw problemError('input-invalid', 'kwargs must be an object');
  try {
    const list = args.map((value) => valueFromJson(value));
    if (kwargs === undefined) return { args: list };
    return {
      args: list,
      kwargs: Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [key, valueFromJson(value)])),
    };
  } catch (error) {
    throw problemError('input-invalid', `the arguments: ${(error as Error).message}`);
  }
}

/** A value as a tool's result: JSON text, and the same as structure where it is an object. */
export function resultOf(value: unknown): CallToolResult {
  const json = value === undefined ? null : valueToJson(value);
  const text = JSON.stringify(json);
  return { content: [{ text, type: 'text' }], ...(isObject(json) && { structuredContent: json }) };
}

/** A problem as a tool's result: the model reads what went wrong, whether it may try again, and what to do. */
export function errorOf(about: Problem): CallToolResult {
  const { code, message, fun, node, path, cause } = about;
  const outcome = didNotHappen(about) ? 'did-not-happen' : 'unknown';
  const hint = about.hint ?? kindOf(about).hint;
  const text = `${code}: ${message}${outcome === 'unknown' ? '\nIt may or may not have been done.' : ''}\n${hint}`;
  const error = {
    cause: cause && { message: cause.message, name: cause.name },
    code,
    fun,
    hint,
    message,
    node,
    outcome,
    path,
  };
  return {
    content: [{ text, type: 'text' }],
    isError: true,
    structuredContent: { error: JSON.parse(JSON.stringify(error)) as Record<string, unknown> },
  };
}

function describe(fun: string, views: readonly FunctionView[]): string {
  const first = views.find(({ description }) => description !== undefined) ?? views[0];
  const { description = `The function ${fun} of the mesh.`, signature } = first ?? {};
  const resources = [...new Set(views.flatMap(({ allResources }) => allResources))].sort();
  return [
    description,
    ...(signature === undefined ? [] : [`Takes and returns: ${signature}.`]),
    ...(resources.length === 0 ? [] : [`Has: ${resources.join(', ')}.`]),
  ].join('\n');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
