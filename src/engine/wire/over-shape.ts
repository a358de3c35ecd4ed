import type { Over } from '../core/base/over.ts';
import { list, name, record, type Shape, uint } from './shapes.ts';

/** The way of a message between hubs. How many hubs it may name is the federation's business, and checked there. */
export const over: Shape<Over> = record<Over>({
  from: name,
  cluster: name,
  to: name,
  life: uint,
  session: uint,
  n: uint,
  passed: list(name),
  ahead: list(name),
});
