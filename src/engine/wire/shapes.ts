import { isObject, valueFromJson, valueToJson } from './json-value.ts';
import { inside, Misfit } from './misfit.ts';

/**
 * Shapes of what headers hold: one description of a field serves both subprotocols and checks what arrives in either.
 *
 * In `mpreg.v1` a record is a list of its fields in order (fields that are absent at its end are left away, others are
 * nil; elements that this version does not know are ignored). In `mpreg.v1.json` it is an object with the fields' names.
 *
 * Every method that takes what a peer sent throws a `Misfit` where it does not fit.
 */
export interface Shape<Value> {
  /** What the MessagePack header holds for it. */
  pack(value: Value): unknown;
  unpack(plain: unknown): Value;
  toJson(value: Value): unknown;
  fromJson(json: unknown): Value;
  /** What stands for an absent field. */
  readonly absent?: { readonly value: unknown };
  /** A record's fields in the order of their positions; those that may be absent end with a question mark. */
  readonly fields?: readonly string[];
}

/** A shape that both subprotocols hold as it is. */
function simple<Value>(check: (value: unknown) => Value): Shape<Value> {
  const same = (value: Value): unknown => value;
  return { fromJson: check, pack: same, toJson: same, unpack: check };
}

export const text: Shape<string> = simple((value) => {
  if (typeof value !== 'string') throw new Misfit('must be text');
  return value;
});

/** Longest name of a node, a function, a resource, in UTF-16 units. */
export const NAME_MAX = 1024;

export const name: Shape<string> = simple((value) => {
  if (typeof value !== 'string') throw new Misfit('must be text');
  if (value === '' || value.length > NAME_MAX) throw new Misfit(`must be 1 to ${NAME_MAX} characters`);
  return value;
});

/** A whole number from 0 to 2⁵³ − 1. */
export const uint: Shape<number> = simple((value) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Misfit('must be a whole number, not negative');
  return value as number;
});

export const real: Shape<number> = simple((value) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Misfit('must be a number');
  return value;
});

export const bool: Shape<boolean> = simple((value) => {
  if (typeof value !== 'boolean') throw new Misfit('must be true or false');
  return value;
});

/** A flag that is set or absent. */
export const yes: Shape<true> = simple((value) => {
  if (value !== true) throw new Misfit('must be true');
  return value;
});

/** Any value that a payload may hold. */
export const anything: Shape<unknown> = {
  fromJson: (json) => valueFromJson(json),
  pack: (value) => value,
  toJson: valueToJson,
  unpack: (plain) => plain,
};

/** One of a few words: its place in the list in MessagePack, the word in JSON. New words are added at the end. */
export function word<Word extends string>(...words: readonly Word[]): Shape<Word> {
  const refuse = (): never => {
    throw new Misfit(`must be one of ${words.join(', ')}`);
  };
  return {
    fromJson: (json) => words.find((known) => known === json) ?? refuse(),
    pack: (value) => words.indexOf(value),
    toJson: (value) => value,
    unpack: (plain) => (typeof plain === 'number' ? words[plain] : undefined) ?? refuse(),
  };
}

/** A list; elements of variants that this version does not know are left out. */
export function list<Item>(item: Shape<Item>): Shape<readonly Item[]> {
  const each = (read: (value: unknown) => Item) => (value: unknown) => {
    if (!Array.isArray(value)) throw new Misfit('must be a list');
    const items: Item[] = [];
    value.forEach((element: unknown, i) => {
      try {
        items.push(read(element));
      } catch (error) {
        if (!(error instanceof UnknownVariant)) throw inside(error, i);
      }
    });
    return items;
  };
  return {
    fromJson: each((json) => item.fromJson(json)),
    pack: (values) => values.map((value) => item.pack(value)),
    toJson: (values) => values.map((value) => item.toJson(value)),
    unpack: each((plain) => item.unpack(plain)),
  };
}

/** A field that may be absent. */
export function optional<Value>(shape: Shape<Value>): Shape<Value> {
  return { ...shape, absent: { value: undefined } };
}

/** A field that means `value` where it is absent, and is left away where it is that. */
export function otherwise<Value>(value: Value, shape: Shape<Value>): Shape<Value> {
  return { ...shape, absent: { value } };
}

/** The shapes of an object's fields; their order is that of the positions. */
export type Fields<Record extends object> = {
  readonly [Key in Exclude<keyof Record, 'kind'>]-?: Shape<Exclude<Record[Key], undefined>>;
};

type Loose = Record<string, unknown>;

export function record<Value extends object>(fields: Fields<Value>): Shape<Value> {
  const table = Object.entries<Shape<unknown>>(fields as Readonly<Record<string, Shape<unknown>>>);
  /** `get` gives null for what is absent. */
  const read = (get: (key: string, i: number) => unknown, how: 'unpack' | 'fromJson'): Value => {
    const object: Loose = {};
    table.forEach(([key, shape], i) => {
      const held = get(key, i);
      const value = held === null ? missing(shape, key) : reading((given) => shape[how](given), held, key);
      if (value !== undefined) object[key] = value;
    });
    return object as Value;
  };
  return {
    fields: table.map(([key, shape]) => (shape.absent === undefined ? key : `${key}?`)),
    fromJson: (json) => {
      if (!isObject(json)) throw new Misfit('must be an object');
      return read((key) => (Object.hasOwn(json, key) ? json[key] : null), 'fromJson');
    },
    pack: (value) => {
      const packed = table.map(([key, shape]) => {
        const held = (value as Loose)[key];
        return isAbsent(shape, held) ? null : shape.pack(held);
      });
      while (packed.at(-1) === null) packed.pop();
      return packed;
    },
    toJson: (value) => {
      const object: Loose = {};
      for (const [key, shape] of table) {
        const held = (value as Loose)[key];
        if (!isAbsent(shape, held)) object[key] = shape.toJson(held);
      }
      return object;
    },
    unpack: (plain) => {
      if (!Array.isArray(plain)) throw new Misfit('must be a list of fields');
      return read((_, i) => (i < plain.length ? plain[i] : null), 'unpack');
    },
  };
}

/** One of several records, told apart by the value of `tag`: in MessagePack its place among the variants comes first. */
export function variants<Value extends object>(
  tag: string & keyof Value,
  shapes: Readonly<Record<string, Shape<object>>>,
): Shape<Value> {
  const kinds = Object.keys(shapes);
  const shapeOf = (kind: unknown): Shape<object> => {
    if (typeof kind === 'string' && Object.hasOwn(shapes, kind)) return shapes[kind] as Shape<object>;
    throw new UnknownVariant(`${tag} must be one of ${kinds.join(', ')}`);
  };
  const tagOf = (value: Value): string => value[tag] as string;
  return {
    fromJson: (json) => {
      const kind = isObject(json) ? json[tag] : undefined;
      return { [tag]: kind, ...shapeOf(kind).fromJson(json) } as Value;
    },
    pack: (value) => [kinds.indexOf(tagOf(value)), ...(shapeOf(tagOf(value)).pack(value) as unknown[])],
    toJson: (value) => ({ [tag]: tagOf(value), ...(shapeOf(tagOf(value)).toJson(value) as object) }),
    unpack: (plain) => {
      if (!Array.isArray(plain)) throw new Misfit('must be a list of fields');
      const kind = kinds[plain[0] as number];
      return { [tag]: kind, ...shapeOf(kind).unpack(plain.slice(1)) } as Value;
    },
  };
}

/** A decoded object whose known fields are checked, and whose unknown ones are kept. */
export function object<Value extends object>(fields: Readonly<Record<string, Shape<unknown>>>): Shape<Value> {
  const table = Object.entries(fields);
  return simple((value) => {
    if (!isObject(value)) throw new Misfit('must be an object');
    for (const [key, shape] of table) {
      const held = Object.hasOwn(value, key) ? value[key] : undefined;
      if (held === undefined) missing(shape, key);
      else reading((given) => shape.fromJson(given), held, key);
    }
    return value as Value;
  });
}

/**
 * An object that may come from a newer version and goes on to others as it came. It has the same form in both
 * subprotocols, but for values that JSON has no form for.
 */
export function open<Value extends object>(fields: Readonly<Record<string, Shape<unknown>>>): Shape<Value> {
  const checked = object<Value>(fields);
  return { ...checked, fromJson: (json) => checked.fromJson(valueFromJson(json)), toJson: valueToJson };
}

class UnknownVariant extends Misfit {}

function isAbsent(shape: Shape<unknown>, value: unknown): boolean {
  if (value === undefined) return true;
  const absent = shape.absent?.value;
  return Array.isArray(absent) ? Array.isArray(value) && value.length === 0 && absent.length === 0 : value === absent;
}

function missing(shape: Shape<unknown>, key: string): unknown {
  if (shape.absent === undefined) throw inside(new Misfit('is missing'), key);
  return shape.absent.value;
}

function reading<Value>(read: (value: unknown) => Value, value: unknown, key: string | number): Value {
  try {
    return read(value);
  } catch (error) {
    throw inside(error, key);
  }
}
