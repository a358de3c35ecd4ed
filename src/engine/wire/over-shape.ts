import type { Over } from '../core/base/over.ts';
import { list, name, record, type Shape } from './shapes.ts';

/** The way of a message between hubs. How many hubs it may name is the federation's business, and checked there. */
export const over: Shape<Over> = record<Over>({
  from: name,
  cluster: name,
  to: name,
  passed: list(name),
  ahead: list(name),
});
