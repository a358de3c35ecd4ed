import { valueToJson } from '../engine/index.ts';
import { toJson } from './output.ts';

/** A value on a line of its own: text as it is, all else as JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : toJson(valueToJson(value));
}
