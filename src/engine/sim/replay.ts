/**
 * Scenarios as files: a failing one is saved and run again, on another machine if need be. Whatever is read is checked
 * as far as a run depends on it; a file is somebody else's word.
 */
import { done, failed, type Outcome } from '../core/base/outcome.ts';
import { problem } from '../core/base/problems.ts';
import type { Scenario } from './scenario.ts';

const FORMAT = 'mpreg-scenario-1';

export function writeScenario(scenario: Scenario): string {
  return `${JSON.stringify({ format: FORMAT, scenario }, undefined, 2)}\n`;
}

export function readScenario(text: string): Outcome<Scenario> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    return wrong('', `it is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (!isObject(file) || file['format'] !== FORMAT) return wrong('format', `its "format" is not "${FORMAT}"`);
  return checkScenario(file['scenario']);
}

/** Checks what a run would stumble over: numbers that are none, nodes that are not there. */
export function checkScenario(value: unknown): Outcome<Scenario> {
  if (!isObject(value)) return wrong('scenario', 'there is no scenario in it');
  for (const field of ['seed', 'faultsMs', 'settleMs', 'calmMs']) {
    if (!isCount(value[field])) return wrong(field, `"${field}" must be a whole number, at least 0`);
  }
  const { nodes, events, seeds, diskMs, weather } = value;
  if (!Array.isArray(nodes) || nodes.length === 0) return wrong('nodes', '"nodes" must be a list that is not empty');
  for (const [i, node] of nodes.entries()) {
    const sound =
      isObject(node) &&
      typeof node['name'] === 'string' &&
      isCount(node['startMs']) &&
      Array.isArray(node['functions']);
    if (!sound) return wrong(`nodes[${i}]`, `nodes[${i}] needs "name", "startMs", "functions"`);
  }
  if (!isRange(diskMs)) return wrong('diskMs', '"diskMs" must be two whole numbers');
  if (!isObject(weather) || !isRange(weather['latencyMs']) || !isRange(weather['patienceMs'])) {
    return wrong('weather', '"weather" needs "latencyMs" and "patienceMs", two whole numbers each');
  }
  if (!isCount(weather['dialMs']) || !isCount(weather['bytesPerMs'])) {
    return wrong('weather', '"weather" needs "dialMs" and "bytesPerMs"');
  }
  const isNode = (index: unknown) => isCount(index) && index < nodes.length;
  if (!Array.isArray(seeds) || !seeds.every(isNode)) return wrong('seeds', '"seeds" must be indexes of nodes');
  if (!Array.isArray(events)) return wrong('events', '"events" must be a list');
  for (const [i, event] of events.entries()) {
    if (!isObject(event) || !isCount(event['atMs'])) return wrong(`events[${i}]`, `events[${i}] needs "atMs"`);
    for (const field of ['node', 'from', 'to']) {
      if (field in event && !isNode(event[field])) return wrong(`events[${i}].${field}`, `no node ${event[field]}`);
    }
  }
  // Why the cast: the fields that steer a run were checked just now; the rest is only handed on to nodes.
  return done(value as unknown as Scenario);
}

function wrong(path: string, why: string): { readonly ok: false; readonly problem: ReturnType<typeof problem> } {
  return failed(problem('input-invalid', `the scenario cannot be run: ${why}`, path === '' ? {} : { path }));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isRange(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isCount) && Number(value[0]) <= Number(value[1]);
}
