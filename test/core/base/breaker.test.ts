import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Breaker } from '../../../src/engine/core/base/breaker.ts';
import { NEVER } from '../../../src/engine/core/base/instant.ts';

const options = { failuresMax: 3, openMs: 100, openMsMax: 250, successesMin: 1 };

/** What happens, as words: `-` a failure, `+` a success, `?` a trial, a number the time from then on. */
function after(story: string): { readonly state: string; readonly permittedAt: number } {
  const breaker = new Breaker(options);
  let now = 0;
  for (const word of story.split(' ').filter(Boolean)) {
    if (word === '-') breaker.failed(now);
    else if (word === '+') breaker.succeeded(now);
    else if (word === '?') breaker.tried();
    else now = Number(word);
  }
  return { permittedAt: breaker.permittedAt, state: breaker.state };
}

test.each([
  ['nothing has happened', '', 'closed', 0],
  ['two failures are forgiven', '- -', 'closed', 0],
  ['three in a row open it', '- - 7 -', 'open', 107],
  ['a success between them starts the count anew', '- - + - -', 'closed', 0],
  ['a trial makes it half-open, and permits no other', '- - - 100 ?', 'half-open', NEVER],
  ['a failure in half-open opens it again at once, for twice as long', '- - - 100 ? -', 'open', 300],
  ['and again, but never longer than the limit', '- - - 100 ? - 300 ? - 550 ? -', 'open', 800],
  ['a success in half-open closes it', '- - - 100 ? +', 'closed', 0],
  ['after a success the first wait is the short one again', '- - - 100 ? - 300 ? + - - -', 'open', 400],
  ['a late failure does not lengthen the wait', '- - - 50 -', 'open', 100],
  ['a trial while closed changes nothing', '- ?', 'closed', 0],
  ['a success of what nobody tried, before its time, changes nothing', '- - - 99 +', 'open', 100],
  ['and from then on closes it', '- - - 100 +', 'closed', 0],
  ['the other side may try it before its time', '- - - 7 ? +', 'closed', 0],
])('%s', (_what, story, state, permittedAt) => {
  expect(after(story)).toEqual({ permittedAt, state });
});

test('it is permitted from that instant on, not before', () => {
  const breaker = new Breaker(options);
  for (let i = 0; i < 3; i++) breaker.failed(0);
  expect([99, 100].map((now) => breaker.permits(now))).toEqual([false, true]);
});

test('only an address without a failure since its last success is clean', () => {
  const breaker = new Breaker(options);
  expect(breaker.clean).toBe(true);
  breaker.failed(0);
  expect(breaker.clean).toBe(false);
  breaker.succeeded(0);
  expect(breaker.clean).toBe(true);
});

/** By counting: what a breaker says, from all that happened to it. Waits are all equally long. */
class Naive {
  state = 'closed';
  permittedAt = 0;
  failures = 0;
  successes = 0;

  step(word: Word, now: number): void {
    const { failuresMax, successesMin, openMs } = patient;
    if (word === 'failed') {
      this.failures++;
      this.successes = 0;
      if (this.state === 'half-open' || (this.state === 'closed' && this.failures >= failuresMax)) {
        [this.state, this.permittedAt] = ['open', now + openMs];
      }
    } else if (word === 'tried') {
      if (this.state !== 'closed') [this.state, this.permittedAt] = ['half-open', NEVER];
    } else if (this.state !== 'open' || now >= this.permittedAt) {
      [this.failures, this.permittedAt] = [0, 0];
      if (this.state !== 'closed') this.successes++;
      if (this.state === 'open') this.state = 'half-open';
      if (this.successes >= successesMin) [this.state, this.successes] = ['closed', 0];
    }
  }
}

type Word = 'tried' | 'failed' | 'succeeded';
const patient = { failuresMax: 2, openMs: 100, openMsMax: 100, successesMin: 3 };

test('one that wants several successes needs them in a row, and waits equally long each time', () => {
  const words = fc.constantFrom<Word>('tried', 'tried', 'failed', 'succeeded', 'succeeded');
  fc.assert(
    fc.property(fc.array(fc.tuple(words, fc.nat(150)), { maxLength: 40 }), (story) => {
      const [breaker, naive] = [new Breaker(patient), new Naive()];
      let now = 0;
      for (const [word, pause] of story) {
        now += pause;
        naive.step(word, now);
        if (word === 'failed') breaker.failed(now);
        else if (word === 'tried') breaker.tried();
        else breaker.succeeded(now);
        const { state, permittedAt, failures } = breaker;
        expect({ failures, permittedAt, state }).toEqual({
          failures: naive.failures,
          permittedAt: naive.permittedAt,
          state: naive.state,
        });
      }
    }),
    { numRuns: 1_000 },
  );
});
