/**
 * Shapes of requests and answers, written down once and read by both protocols: the JSON protocol takes a field's name
 * as it stands, the query protocol flattens lists and maps under names of their own (`Attribute.1.Name`).
 */

export type Shape = TextShape | IntegerShape | BooleanShape | BlobShape | ListShape | MapShape | RecordShape;

export interface TextShape {
  readonly kind: 'text';
}
export interface IntegerShape {
  readonly kind: 'integer';
}
export interface BooleanShape {
  readonly kind: 'boolean';
}
/** Bytes; base64 in both protocols. */
export interface BlobShape {
  readonly kind: 'blob';
}
export interface ListShape<Of extends Shape = Shape> {
  readonly kind: 'list';
  readonly of: Of;
  /** In the query protocol; all are read, the first is written. */
  readonly names: readonly [string, ...string[]];
}
export interface MapShape<Of extends Shape = Shape> {
  readonly kind: 'map';
  readonly of: Of;
  readonly names: readonly [string];
  /** What an entry's key is called in the query protocol. */
  readonly key: 'Name' | 'Key';
}
export interface RecordShape<
  Fields extends Readonly<Record<string, Shape>> = Readonly<Record<string, Shape>>,
  Required extends string = string,
> {
  readonly kind: 'record';
  readonly fields: Fields;
  readonly required: ReadonlySet<Required>;
}

/** What a shape means as a value. */
export type ValueOf<S> = S extends TextShape
  ? string
  : S extends IntegerShape
    ? number
    : S extends BooleanShape
      ? boolean
      : S extends BlobShape
        ? Uint8Array
        : S extends ListShape<infer Of>
          ? readonly ValueOf<Of>[]
          : S extends MapShape<infer Of>
            ? ReadonlyMap<string, ValueOf<Of>>
            : S extends RecordShape<infer Fields, infer Required>
              ? { readonly [Name in keyof Fields & Required]: ValueOf<Fields[Name]> } & {
                  readonly [Name in Exclude<keyof Fields, Required>]?: ValueOf<Fields[Name]> | undefined;
                }
              : never;

export const text: TextShape = { kind: 'text' };
export const integer: IntegerShape = { kind: 'integer' };
export const boolean: BooleanShape = { kind: 'boolean' };
export const blob: BlobShape = { kind: 'blob' };

export function list<Of extends Shape>(of: Of, ...names: [string, ...string[]]): ListShape<Of> {
  return { kind: 'list', names, of };
}

export function map<Of extends Shape>(of: Of, name: string, key: 'Name' | 'Key' = 'Name'): MapShape<Of> {
  return { key, kind: 'map', names: [name], of };
}

export function record<Fields extends Readonly<Record<string, Shape>>, Required extends keyof Fields & string = never>(
  fields: Fields,
  ...required: Required[]
): RecordShape<Fields, Required> {
  return { fields, kind: 'record', required: new Set(required) };
}
