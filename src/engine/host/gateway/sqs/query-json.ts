/**
 * Answers of the query protocol to who asks for JSON (`Accept: application/json`), as the service gives them: what XML has as
 * elements, under the same names but for a few; maps as lists of names and values; what is absent as null.
 *
 * The service does not document it. API Gateway and callers without an SDK rely on it.
 */
import type { RecordShape, Shape } from './shape.ts';

export function resultJson(
  action: string,
  shape: RecordShape | undefined,
  value: Readonly<Record<string, unknown>>,
  requestId: string,
): string {
  const result = shape === undefined ? {} : { [`${action}Result`]: recordOf(value, shape, TOP_NAMES) };
  return JSON.stringify({ [`${action}Response`]: { ...result, ResponseMetadata: { RequestId: requestId } } });
}

export function errorJson(
  { code, fault, message }: { readonly fault: string; readonly code: string; readonly message: string },
  requestId: string,
): string {
  return JSON.stringify({ Error: { Code: code, Message: message, Type: fault }, RequestId: requestId });
}

const NAMES: ReadonlyMap<string, string> = new Map();
const TOP_NAMES: ReadonlyMap<string, string> = new Map([
  ['Messages', 'messages'],
  ['NextToken', 'nextToken'],
  ['QueueUrls', 'queueUrls'],
]);

function recordOf(
  value: Readonly<Record<string, unknown>>,
  { fields }: RecordShape,
  names = NAMES,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(fields).map(([name, shape]) => [names.get(name) ?? name, jsonOf(value[name], shape)]);
  return Object.fromEntries(entries);
}

function jsonOf(value: unknown, shape: Shape): unknown {
  if (value === undefined) return shape.kind === 'list' ? [] : null;
  switch (shape.kind) {
    case 'list':
      return (value as readonly unknown[]).map((one) => jsonOf(one, shape.of));
    case 'map':
      return [...(value as ReadonlyMap<string, unknown>)].map(([key, one]) => ({
        [shape.key]: key,
        Value: jsonOf(one, shape.of),
      }));
    case 'record':
      return recordOf(value as Readonly<Record<string, unknown>>, shape);
    case 'blob':
      return Buffer.from(value as Uint8Array).toString('base64');
    default:
      return value;
  }
}
