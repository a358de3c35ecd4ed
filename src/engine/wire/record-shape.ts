import type { Problem } from '../core/base/problems.ts';
import { bool, list, name, object, open, optional, real, type Shape, text, uint, word, yes } from './shapes.ts';

/**
 * The cargo of membership: what a node says of itself (`core/directory/record.ts`). Its known fields have the types that
 * others count on; fields of a newer version stay in it, on this node and on all that get it from here.
 */
export const nodeRecord: Shape<object> = open({
  addresses: list(text),
  cluster: text,
  coordinates: optional(object({ latitude: real, longitude: real })),
  durable: optional(bool),
  functions: list(
    object({
      description: optional(text),
      functionId: optional(text),
      idempotent: optional(bool),
      name: name,
      resources: list(text),
      signature: optional(text),
      timeoutMs: optional(uint),
      version: text,
    }),
  ),
  id: name,
  interest: optional(uint),
  keeps: optional(list(object({ memory: optional(bool), pattern: text }))),
  load: real,
  name: name,
  region: optional(text),
  resources: list(text),
  software: text,
  state: word('active', 'draining'),
  version: uint,
});

/** A problem: a code that this version need not know, and a message; whatever else is known of it. */
export const problemShape: Shape<Problem> = open({
  cause: optional(object({ message: text, name: text, stack: optional(text) })),
  cluster: optional(text),
  code: name,
  fun: optional(text),
  hint: optional(text),
  message: text,
  node: optional(text),
  outcome: optional(word('did-not-happen', 'unknown')),
  path: optional(text),
  soon: optional(yes),
  step: optional(text),
});
