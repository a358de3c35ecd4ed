/**
 * From the JSON Schemas of a function to one line for people: `(string, {price: number}) → number`.
 *
 * It says the kinds of values and which may be left out, not their ranges and patterns: those are in the schemas.
 */
import type { JsonSchema } from '../../standard-schema.ts';

/** It is told to every node: short. */
const LENGTH_MAX = 160;
/** Limit: schemas may refer to themselves. */
const DEPTH_MAX = 4;

/** Undefined where nothing is known. */
export function signatureOf(args: JsonSchema | undefined, result: JsonSchema | undefined): string | undefined {
  if (args === undefined && result === undefined) return undefined;
  const takes = args === undefined ? '(…)' : parameters(args);
  const whole = result === undefined ? takes : `${takes} → ${typeOf(result, DEPTH_MAX)}`;
  return whole.length <= LENGTH_MAX ? whole : `${whole.slice(0, LENGTH_MAX - 1)}…`;
}

function parameters(args: JsonSchema): string {
  const type = typeOf(args, DEPTH_MAX);
  if (Array.isArray(args['prefixItems'])) return `(${type.slice(1, -1)})`;
  return args['type'] === 'array' ? `(…${type})` : `(${type})`;
}

function typeOf(json: unknown, depth: number): string {
  if (typeof json !== 'object' || json === null || depth === 0) return 'unknown';
  const schema = json as JsonSchema;
  const { type, anyOf, oneOf } = schema as Readonly<Record<string, unknown>>;
  if ('const' in schema) return JSON.stringify(schema['const']);
  if (Array.isArray(schema['enum'])) return schema['enum'].map((one) => JSON.stringify(one)).join(' | ');
  const variants = anyOf ?? oneOf;
  if (Array.isArray(variants)) return variants.map((variant) => typeOf(variant, depth - 1)).join(' | ');
  if (Array.isArray(type)) return type.join(' | ');
  if (type === 'array') return listType(schema, depth);
  if (type === 'object') return objectType(schema, depth);
  return typeof type === 'string' ? type : 'unknown';
}

function listType(schema: JsonSchema, depth: number): string {
  const { prefixItems, items, minItems } = schema as Readonly<Record<string, unknown>>;
  if (!Array.isArray(prefixItems)) {
    const item = typeOf(items, depth - 1);
    return item.includes(' | ') ? `(${item})[]` : `${item}[]`;
  }
  const least = typeof minItems === 'number' ? minItems : 0;
  const each = prefixItems.map((item, i) => `${typeOf(item, depth - 1)}${i < least ? '' : '?'}`);
  const rest = typeof items === 'object' ? [`…${typeOf(items, depth - 1)}[]`] : [];
  return `[${[...each, ...rest].join(', ')}]`;
}

function objectType(schema: JsonSchema, depth: number): string {
  const { properties, required } = schema as Readonly<Record<string, unknown>>;
  if (typeof properties !== 'object' || properties === null) return 'object';
  const needed = Array.isArray(required) ? required : [];
  const fields = Object.entries(properties).map(
    ([name, field]) => `${name}${needed.includes(name) ? '' : '?'}: ${typeOf(field, depth - 1)}`,
  );
  return `{${fields.join(', ')}}`;
}
