import { Misfit } from './misfit.ts';

/**
 * Which objects are data.
 *
 * Plain objects are, and instances of classes that add no methods. An object with `toJSON` is what that returns.
 * Anything else would arrive without its methods, as something that it is not: it is refused by name.
 */

const isData = new WeakMap<object, boolean>([[Object.prototype, true]]);

/** The object whose own enumerable properties stand for `value`, or whatever else its `toJSON` makes of it. */
export function plainForm(value: object): unknown {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return value;
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON();
  let data = isData.get(prototype);
  if (data === undefined) {
    data = addsNothing(prototype);
    isData.set(prototype, data);
  }
  if (!data) throw new Misfit(refusal(value));
  return value;
}

function addsNothing(prototype: object): boolean {
  if (Reflect.ownKeys(prototype).some((key) => key !== 'constructor')) return false;
  const next: object | null = Object.getPrototypeOf(prototype);
  return next === null || next === Object.prototype || addsNothing(next);
}

function refusal(value: object): string {
  if (value instanceof Error) return `an error (${value.message}) is not data; throw it, or return its message`;
  if (value instanceof Promise) return 'a promise is not data; await it';
  const name: unknown = value.constructor?.name;
  return `an instance of ${typeof name === 'string' && name !== '' ? name : 'a class'} with methods is not data`;
}
