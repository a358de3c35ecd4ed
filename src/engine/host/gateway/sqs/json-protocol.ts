/** The JSON protocol (`application/x-amz-json-1.0`): values by their shapes. Fields that nobody knows are passed over. */
import { isObject } from '../../../wire/json-value.ts';
import { missing, SqsError } from './errors.ts';
import type { RecordShape, Shape, ValueOf } from './shape.ts';

/** Throws `SerializationException` or `MissingRequiredParameterException`. */
export function readJson<S extends RecordShape>(body: string, shape: S): ValueOf<S> {
  let parsed: unknown;
  try {
    parsed = body === '' ? {} : JSON.parse(body);
  } catch (error) {
    throw new SqsError('SerializationException', `The body is not JSON: ${(error as Error).message}`);
  }
  return read(parsed, shape, '') as ValueOf<S>;
}

export function writeJson(value: unknown): string {
  return JSON.stringify(plain(value));
}

/** Maps as objects, bytes as base64. Why not told to `JSON.stringify`: being asked for every value makes it slow. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const entries = value instanceof Map ? (value as Map<string, unknown>) : Object.entries(value);
  return Object.fromEntries([...entries].map(([name, inner]) => [name, plain(inner)]));
}

function read(value: unknown, shape: Shape, path: string): unknown {
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string' ? value : misfit(path, 'a text');
    case 'integer':
      return Number.isSafeInteger(value) ? value : misfit(path, 'a whole number');
    case 'boolean':
      return typeof value === 'boolean' ? value : misfit(path, 'true or false');
    case 'blob':
      return typeof value === 'string' ? base64(value, path) : misfit(path, 'base64');
    case 'list':
      if (!Array.isArray(value)) return misfit(path, 'a list');
      return value.map((one, at) => read(one, shape.of, `${path}.${at + 1}`));
    case 'map':
      if (!isObject(value)) return misfit(path, 'an object');
      return new Map(
        Object.entries(value)
          .filter(([, one]) => one !== null)
          .map(([name, one]) => [name, read(one, shape.of, `${path}.${name}`)]),
      );
    case 'record':
      return isObject(value) ? fieldsOf(value, shape, path) : misfit(path, 'an object');
  }
}

function fieldsOf(value: Readonly<Record<string, unknown>>, shape: RecordShape, path: string): unknown {
  const given = (name: string) => Object.hasOwn(value, name) && value[name] !== null;
  const under = (name: string) => (path === '' ? name : `${path}.${name}`);
  for (const name of shape.required) if (!given(name)) throw missing(under(name));
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(shape.fields)) {
    if (given(name)) fields[name] = read(value[name], shape.fields[name] as Shape, under(name));
  }
  return fields;
}

/** Throws `SerializationException`: Node reads past what is no base64. */
export function base64(value: string, path: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return misfit(path, 'base64');
  return new Uint8Array(Buffer.from(value, 'base64'));
}

function misfit(path: string, must: string): never {
  throw new SqsError('SerializationException', `${path === '' ? 'The body' : path} must be ${must}.`);
}
