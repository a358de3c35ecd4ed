import type { ConfigChange } from '../../federation-api.ts';
import { isObject } from '../../wire/json-value.ts';

/**
 * In what two configurations differ: each place with what was there and what is. Links are found by their clusters, what else
 * has a name by it, so that one that is added does not look as if all behind it had changed.
 */
export function changesOf(before: unknown, after: unknown, path = ''): readonly ConfigChange[] {
  const [was, is] = [fieldsOf(before), fieldsOf(after)];
  if (was === undefined || is === undefined) return isSame(before, after) ? [] : [changed(path, before, after)];
  const keys = [...new Set([...was.fields.keys(), ...is.fields.keys()])];
  return keys.flatMap((key) => {
    const at = was.list || is.list ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    return changesOf(was.fields.get(key), is.fields.get(key), at);
  });
}

function changed(path: string, before: unknown, after: unknown): ConfigChange {
  return { path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

/** What something consists of, by name; undefined where it is to be compared as a whole. */
function fieldsOf(
  value: unknown,
): { readonly list: boolean; readonly fields: ReadonlyMap<string, unknown> } | undefined {
  if (isObject(value)) return { fields: new Map(Object.entries(value)), list: false };
  if (!Array.isArray(value)) return undefined;
  const names = value.map(nameOf);
  if (names.includes(undefined) || new Set(names).size < names.length) return undefined;
  return { fields: new Map(value.map((item: unknown, i) => [names[i] ?? '', item])), list: true };
}

function nameOf(item: unknown): string | undefined {
  if (!isObject(item)) return undefined;
  const name = item['cluster'] ?? item['name'];
  return typeof name === 'string' ? name : undefined;
}

/** Whether two say the same, in whatever order. */
export function isSame(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b);
}

/** One text for what says the same. */
export function sorted(value: unknown): string {
  const inOrder = (_: string, held: unknown) =>
    isObject(held) ? Object.fromEntries(Object.entries(held).sort(([x], [y]) => (x < y ? -1 : 1))) : held;
  return JSON.stringify(value, inOrder) ?? '';
}
