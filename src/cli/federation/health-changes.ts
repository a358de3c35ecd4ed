/** What is different between two looks at the health of a federation: one change for each cluster, link, and the whole. */
import type { HealthState } from '../../engine/index.ts';
import type { SeenHealth } from './whole.ts';

export interface HealthChange {
  readonly kind: 'federation' | 'cluster' | 'link';
  readonly name: string;
  /** `gone`: it is no longer known. */
  readonly state: HealthState | 'gone';
  /** Null where it was not known. */
  readonly before: HealthState | null;
  readonly score: number;
  readonly reasons: readonly string[];
}

/** Before the first look everything is a change. A score that moves within one state is none. */
export function healthChanges(before: SeenHealth | undefined, after: SeenHealth): readonly HealthChange[] {
  const was = before === undefined ? new Map<string, Subject>() : subjects(before);
  const is = subjects(after);
  const changed = [...is].flatMap(([key, subject]): HealthChange[] => {
    const earlier = was.get(key)?.state ?? null;
    return earlier === subject.state ? [] : [{ ...subject, before: earlier }];
  });
  const gone = [...was].flatMap(([key, { kind, name, state }]): HealthChange[] =>
    is.has(key) ? [] : [{ before: state, kind, name, reasons: [], score: 0, state: 'gone' }],
  );
  return [...changed, ...gone];
}

interface Subject extends Omit<HealthChange, 'before' | 'state'> {
  readonly state: HealthState;
}

function subjects({ clusters, cluster: self, links, name, reasons, score, state }: SeenHealth): Map<string, Subject> {
  const says = (of: readonly { readonly says: string }[]) => of.map((reason) => reason.says);
  const all: Subject[] = [
    { kind: 'federation', name, reasons: says(reasons), score, state },
    ...clusters.map((one): Subject => {
      return { kind: 'cluster', name: one.cluster, reasons: says(one.reasons), score: one.score, state: one.state };
    }),
    ...links.map((one): Subject => {
      const ends = `${self} (${one.hub}) ↔ ${one.cluster} (${one.address})`;
      return { kind: 'link', name: ends, reasons: says(one.reasons), score: one.score, state: one.state };
    }),
  ];
  return new Map(all.map((subject) => [`${subject.kind} ${subject.name}`, subject]));
}

export function changeText({ before, kind, name, reasons, score, state }: HealthChange): string {
  const why = reasons.length === 0 ? '' : `\t${reasons.join('; ')}`;
  return `${kind}\t${name}\t${before === null ? state : `${before} → ${state}`}\t${score}${why}`;
}
