import type { NodeId } from '../base/ids.ts';
import type { NodeRecord } from '../directory/record.ts';

/** A node's record as membership passes it on. */
export function cargoOf(record: NodeRecord): {
  readonly kind: 'cargo';
  readonly about: NodeId;
  readonly version: number;
  readonly body: NodeRecord;
} {
  return { about: record.id, body: record, kind: 'cargo', version: record.version };
}
