import { setTimeout as pause } from 'node:timers/promises';

/** Asks again until the answer satisfies; fails with the last one when the time is up. Returns milliseconds waited. */
export async function until<Answer>(
  what: string,
  ask: () => Promise<Answer> | Answer,
  satisfies: (answer: Answer) => boolean,
  timeoutMs = 60_000,
): Promise<number> {
  const from = performance.now();
  for (;;) {
    const answer = await ask();
    const waited = performance.now() - from;
    if (satisfies(answer)) return waited;
    if (waited > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}; last: ${JSON.stringify(answer)}`);
    await pause(100);
  }
}
