/**
 * The query protocol: a form of flattened names. `Attribute.1.Name=DelaySeconds&Attribute.1.Value=5` is read as a tree
 * of names, and the tree by shapes.
 */
import { invalidValue, missing } from './errors.ts';
import { base64 } from './json-protocol.ts';
import type { ListShape, MapShape, RecordShape, Shape, ValueOf } from './shape.ts';

/** Limit: names in a form are no deeper, in segments; those of the service have six. */
const DEPTH_MAX = 8;

interface Branch {
  /** What is said at this very name. */
  value: string | undefined;
  readonly under: Map<string, Branch>;
}

/** Throws `MissingRequiredParameterException` or `InvalidParameterValueException`. */
export function readForm<S extends RecordShape>(form: URLSearchParams, shape: S): ValueOf<S> {
  const root: Branch = { under: new Map(), value: undefined };
  for (const [name, value] of form) place(root, name.split('.', DEPTH_MAX + 1), value);
  return fieldsOf(root, shape, '') as ValueOf<S>;
}

function place(root: Branch, path: readonly string[], value: string): void {
  if (path.length > DEPTH_MAX) return;
  let branch = root;
  for (const segment of path) {
    let next = branch.under.get(segment);
    if (next === undefined) {
      next = { under: new Map(), value: undefined };
      branch.under.set(segment, next);
    }
    branch = next;
  }
  branch.value = value;
}

function fieldsOf(branch: Branch, shape: RecordShape, path: string): unknown {
  const found: [string, unknown][] = [];
  for (const [name, of] of Object.entries(shape.fields)) {
    const value = fieldOf(branch, name, of, path);
    if (value !== undefined) found.push([name, value]);
    else if (shape.required.has(name)) throw missing(`${path}${name}`);
  }
  return Object.fromEntries(found);
}

function fieldOf(branch: Branch, name: string, shape: Shape, path: string): unknown {
  if (shape.kind === 'list') return listOf(branch, shape, path);
  if (shape.kind === 'map') return mapOf(branch, shape, path);
  const inner = branch.under.get(name);
  return inner === undefined ? undefined : read(inner, shape, `${path}${name}`);
}

/** Undefined where no name of it is there. */
function listOf(branch: Branch, shape: ListShape, path: string): unknown {
  const name = shape.names.find((one) => branch.under.has(one));
  const inner = name === undefined ? undefined : branch.under.get(name);
  if (name === undefined || inner === undefined) return undefined;
  if (inner.under.size === 0) return inner.value ? [read(inner, shape.of, `${path}${name}`)] : [];
  return numbered(inner).map(([at, one]) => read(one, shape.of, `${path}${name}.${at}`));
}

function mapOf(branch: Branch, shape: MapShape, path: string): unknown {
  const [name] = shape.names;
  const inner = branch.under.get(name);
  if (inner === undefined) return undefined;
  return new Map(
    numbered(inner).map(([at, one]) => {
      const where = `${path}${name}.${at}`;
      const key = one.under.get(shape.key)?.value;
      const value = one.under.get('Value');
      if (key === undefined) throw missing(`${where}.${shape.key}`);
      if (value === undefined) throw missing(`${where}.Value`);
      return [key, read(value, shape.of, `${where}.Value`)];
    }),
  );
}

/** Entries by their numbers; a single one may stand without, as in the service's own examples: `Attribute.Name=DelaySeconds`. */
function numbered(branch: Branch): [at: string, Branch][] {
  const entries = [...branch.under].filter(([at]) => /^\d+$/.test(at));
  if (entries.length === 0 && branch.under.size > 0) return [['1', branch]];
  return entries.sort(([a], [b]) => Number(a) - Number(b));
}

function read(branch: Branch, shape: Shape, path: string): unknown {
  const value = branch.value ?? '';
  switch (shape.kind) {
    case 'text':
      return value;
    case 'integer':
      if (/^[+-]?\d{1,15}$/.test(value)) return Number(value);
      throw invalidValue(`Value ${value} for parameter ${path} is invalid. Reason: Must be an integer.`);
    case 'boolean':
      return value === 'true';
    case 'blob':
      return base64(value, path);
    case 'record':
      return fieldsOf(branch, shape, `${path}.`);
    case 'list':
    case 'map':
      throw new TypeError('lists and maps are flattened: they are fields');
  }
}
