/**
 * Answers as JSON documents: what the command line prints under `--json` and what a node answers over HTTP. A contract
 * with scripts: fields are added, never renamed.
 */
import { didNotHappen, exitOf, kindOf, type Problem } from './core/base/problems.ts';
import type { PlanReply } from './core/calls/messages.ts';
import { valueToJson } from './wire/json-value.ts';

/** A problem with everything that the catalogue says of it. */
export function errorDocument(about: Problem): Record<string, unknown> {
  const { code, message, hint, ...where } = about;
  const outcome = didNotHappen(about) ? 'did-not-happen' : 'unknown';
  return { code, message, hint: hint ?? kindOf(about).hint, ...where, outcome, exitCode: exitOf(about) };
}

export function resultsDocument({ results }: PlanReply): Record<string, unknown> {
  return valuesDocument(results);
}

function valuesDocument(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, valueToJson(value)]));
}

/** The whole answer to a plan; `error` is there where the plan failed. */
export function replyDocument(reply: PlanReply): Record<string, unknown> {
  const steps = reply.steps.map(({ problem, ...step }) => ({
    ...step,
    ...(problem !== undefined && { error: errorDocument(problem) }),
  }));
  return {
    results: resultsDocument(reply),
    steps,
    tookMs: reply.tookMs,
    ...(reply.problem !== undefined && { error: errorDocument(reply.problem) }),
    ...(reply.values !== undefined && { values: valuesDocument(reply.values) }),
  };
}
