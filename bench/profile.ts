/**
 * Where the time goes, of CPU profiles: self time per function, in percent of the time that was not idle.
 *
 *   BENCH_NODE_ARGS='--cpu-prof --cpu-prof-dir=/tmp/profiles' node --cpu-prof --cpu-prof-dir=/tmp/profiles bench/echo/mpreg.ts
 *   node bench/profile.ts /tmp/profiles/*.cpuprofile
 */
import { readFileSync } from 'node:fs';

const ROWS = 25;

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

for (const file of process.argv.slice(2)) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const place = url.replace(/^.*\/(?=(node_modules|src|bench|dist)\/)/, '');
      return [id, `${functionName || '(anonymous)'} ${place}${place ? `:${lineNumber + 1}` : ''}`.trim()];
    }),
  );
  const times = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const name = names.get(id) ?? '?';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0));
  }
  const idle = times.get('(idle)') ?? 0;
  times.delete('(idle)');
  const busy = [...times.values()].reduce((a, b) => a + b, 0);
  console.log(`\n${file}: busy ${Math.round(busy / 1_000)} ms, idle ${Math.round(idle / 1_000)} ms`);
  for (const [name, time] of [...times].sort(([, a], [, b]) => b - a).slice(0, ROWS)) {
    console.log(`${((time / busy) * 100).toFixed(1).padStart(6)} %  ${name}`);
  }
}
