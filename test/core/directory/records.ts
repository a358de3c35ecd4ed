import type { NodeRecord } from '../../../src/engine/core/directory/record.ts';

export function recordOf(id: string, version: number, more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    addresses: [`ws://${id}`],
    cluster: 'test',
    functions: [],
    id,
    load: 0,
    name: id.toUpperCase(),
    resources: [],
    software: '1',
    state: 'active',
    version,
    ...more,
  };
}

/** `f`, `f@2.0.0`, `f+gpu` or both. */
export function functionOf(text: string) {
  const [head = '', ...resources] = text.split('+');
  const [name = '', version = '1.0.0'] = head.split('@');
  return { name, resources, version };
}
