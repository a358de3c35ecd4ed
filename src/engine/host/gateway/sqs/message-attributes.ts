/**
 * Attributes of messages: their rules, their MD5 as clients compute it, and how they live among a message's headers, so
 * that whoever receives it over another face sees them, and what others put into headers is seen here.
 */
import { hash } from 'node:crypto';
import { invalidValue } from './errors.ts';
import { UNWRITABLE } from './xml.ts';

export interface MessageAttribute {
  readonly DataType?: string | undefined;
  readonly StringValue?: string | undefined;
  readonly BinaryValue?: Uint8Array | undefined;
  readonly StringListValues?: readonly string[] | undefined;
  readonly BinaryListValues?: readonly Uint8Array[] | undefined;
}

export type MessageAttributes = ReadonlyMap<string, MessageAttribute>;

/** Limit of the service. */
const ATTRIBUTES_MAX = 10;
export const TRACE_HEADER = 'AWSTraceHeader';

/** Headers that say what others mean; no attribute can be called so. */
const TYPES = 'AWS.types';
const TRACE = `AWS.${TRACE_HEADER}`;
export const GROUP = 'AWS.group';

/** Throws `InvalidParameterValueException`. */
export function checkAttributes(attributes: MessageAttributes): void {
  if (attributes.size > ATTRIBUTES_MAX) {
    throw invalidValue(
      `Number of message attributes [${attributes.size}] exceeds the allowed maximum [${ATTRIBUTES_MAX}].`,
    );
  }
  for (const [name, attribute] of attributes) {
    checkAttributeName(name);
    checkAttribute(name, attribute);
  }
}

function checkAttributeName(name: string): void {
  if (name === '') throw invalidValue('Message (user) attribute names must not be empty.');
  if (name.length > 256) throw invalidValue('Message (user) attribute names must be shorter than 256 Bytes');
  // Why letters with accents: the service takes them, though it documents A-Z and a-z only.
  if (!/^[\u00C0-\u017FA-Za-z0-9_.-]+$/.test(name)) {
    throw invalidValue(
      `The message attribute name '${name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters.`,
    );
  }
  if (/^(aws\.|amazon\.|\.)|\.$|\.\./i.test(name)) {
    throw invalidValue(
      "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.', nor hold one after another.",
    );
  }
}

function checkAttribute(name: string, attribute: MessageAttribute): void {
  const { DataType: type } = attribute;
  const about = `The message attribute '${name}'`;
  if (type === undefined || type === '')
    throw invalidValue(`${about} must contain a non-empty message attribute type.`);
  if (!/^(String|Number|Binary)(\.|$)/.test(type)) {
    throw invalidValue(
      `${about} has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  if (type.length > 256) throw invalidValue(`${about} has a type that is longer than 256 characters.`);
  if (attribute.StringListValues?.length || attribute.BinaryListValues?.length) {
    throw invalidValue(`${about} has a list of values; such values are not supported.`);
  }
  const kind = type.split('.')[0];
  const value = kind === 'Binary' ? attribute.BinaryValue : attribute.StringValue;
  const other = kind === 'Binary' ? attribute.StringValue : attribute.BinaryValue;
  if (value === undefined || value.length === 0 || other !== undefined) {
    throw invalidValue(`Message (user) attribute '${name}' must contain a non-empty value of type '${kind}'.`);
  }
  if (typeof value === 'string') checkText(name, kind === 'Number', value);
}

function checkText(name: string, isNumber: boolean, value: string): void {
  if (isNumber && !/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)) {
    throw invalidValue(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  }
  const odd = value.search(UNWRITABLE);
  if (odd >= 0) {
    const code = (value.codePointAt(odd) ?? 0).toString(16);
    throw invalidValue(`Invalid binary character '#x${code}' was found in the message attribute '${name}' value.`);
  }
}

/** What attributes add to a message's size, in bytes: names, types and values. */
export function attributesSize(attributes: MessageAttributes): number {
  let bytes = 0;
  for (const [name, { BinaryValue, DataType = '', StringValue = '' }] of attributes) {
    bytes +=
      Buffer.byteLength(name) + Buffer.byteLength(DataType) + (BinaryValue?.length ?? Buffer.byteLength(StringValue));
  }
  return bytes;
}

/**
 * The MD5 that clients compare, or undefined where there are none: names in order; of each, and of its type, length and
 * bytes; then 1 and the text, or 2 and the bytes, with their length. (SQS Developer Guide, "Calculating the MD5 message
 * digest for message attributes".)
 */
export function attributesMd5(attributes: MessageAttributes): string | undefined {
  if (attributes.size === 0) return undefined;
  const parts: Uint8Array[] = [];
  const put = (bytes: Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  };
  const byName = [...attributes].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const [name, { BinaryValue, DataType = '', StringValue = '' }] of byName) {
    put(Buffer.from(name));
    put(Buffer.from(DataType));
    parts.push(Uint8Array.of(BinaryValue === undefined ? 1 : 2));
    put(BinaryValue ?? Buffer.from(StringValue));
  }
  return md5(Buffer.concat(parts));
}

export function md5(value: string | Uint8Array): string {
  return hash('md5', value);
}

/**
 * Each attribute is a header of its name; bytes are base64. One more header says which are of another type than `String`.
 */
export function headersOf(attributes: MessageAttributes, trace: string | undefined): Map<string, string> {
  const headers = new Map<string, string>();
  const types: Record<string, string> = {};
  for (const [name, { BinaryValue, DataType = 'String', StringValue = '' }] of attributes) {
    headers.set(name, BinaryValue === undefined ? StringValue : Buffer.from(BinaryValue).toString('base64'));
    if (DataType !== 'String') types[name] = DataType;
  }
  if (Object.keys(types).length > 0) headers.set(TYPES, JSON.stringify(types));
  if (trace !== undefined) headers.set(TRACE, trace);
  return headers;
}

/** What headers mean as attributes. Those of other senders are texts; what cannot be an attribute's value is left out. */
export function attributesOf(headers: ReadonlyMap<string, string>): Map<string, MessageAttribute> {
  const types = typesIn(headers.get(TYPES));
  const attributes = new Map<string, MessageAttribute>();
  for (const [name, value] of headers) {
    if (name.startsWith('AWS.') || value === '') continue;
    const type = types.get(name) ?? 'String';
    const isBinary = type.startsWith('Binary');
    attributes.set(name, {
      DataType: type,
      ...(isBinary ? { BinaryValue: new Uint8Array(Buffer.from(value, 'base64')) } : { StringValue: value }),
    });
  }
  return attributes;
}

export function traceOf(headers: ReadonlyMap<string, string>): string | undefined {
  return headers.get(TRACE);
}

function typesIn(text: string | undefined): ReadonlyMap<string, string> {
  if (text === undefined) return new Map();
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map(); // another sender uses the header for something else
  }
}

/** Those that were asked for by name, by `prefix.*`, or all: `All`, `.*` and `*`. */
export function chosen(attributes: MessageAttributes, names: readonly string[]): Map<string, MessageAttribute> {
  const all = names.some((name) => name === 'All' || name === '.*' || name === '*');
  const prefixes = names.filter((name) => name.endsWith('.*')).map((name) => name.slice(0, -2));
  const wanted = (name: string) => all || names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix));
  return new Map([...attributes].filter(([name]) => wanted(name)));
}
