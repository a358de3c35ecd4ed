import { describe, expect, it } from 'vitest';
import { OwedAnswers } from '../../../src/engine/core/node/owed-answers.ts';
import { payloadOf } from '../../../src/engine/wire/payload.ts';

const result = (id: number) => ({ by: 'n', id, kind: 'result', payload: payloadOf(1) }) as const;
const item = (id: number) => ({ id, kind: 'item', payload: payloadOf(1) }) as const;
const told = (owed: OwedAnswers, ...hubs: string[]) =>
  [...owed.due((hub) => hubs.includes(hub))].map(({ hub, id }) => `${hub} ${id}`);

describe('a hub that was out of reach for too long for one side', () => {
  it('is told, once a way leads there again, of all that it waits for, and once', () => {
    const owed = new OwedAnswers();
    for (const id of [1, 2, 3]) owed.asked('far', id);
    owed.asked('other', 4);
    owed.said('far', result(1));
    owed.said('far', item(2));
    owed.lost('far');
    owed.owe('far', [result(7), item(8), item(8), { id: 9, kind: 'cancel', reason: 'why' }]);
    expect(told(owed, 'other')).toEqual([]);
    expect(told(owed, 'far', 'other')).toEqual(['far 2', 'far 3', 'far 7', 'far 8']);
    expect(told(owed, 'far', 'other')).toEqual([]);
    owed.asked('far', 10);
    owed.lost('far');
    expect(told(owed, 'far')).toEqual(['far 10']);
  });

  it('is told nothing where it has begun anew', () => {
    const owed = new OwedAnswers();
    owed.asked('far', 1);
    owed.lost('far');
    owed.asked('far', 2);
    owed.gone('far');
    owed.lost('far');
    expect(told(owed, 'far')).toEqual([]);
  });
});
