import { expect, test } from 'vitest';
import { NEVER } from '../../src/engine/core/base/instant.ts';
import { Breaker } from '../../src/engine/host/breaker.ts';

const options = { failuresMax: 3, openMs: 100, openMsMax: 250 };

/** What happens, as words: `-` a failure, `+` a success, `?` a trial, a number the time from then on. */
function after(story: string): { readonly state: string; readonly permittedAt: number } {
  const breaker = new Breaker(options);
  let now = 0;
  for (const word of story.split(' ').filter(Boolean)) {
    if (word === '-') breaker.failed(now);
    else if (word === '+') breaker.succeeded();
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
  breaker.succeeded();
  expect(breaker.clean).toBe(true);
});
