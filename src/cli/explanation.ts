/** Why a call would go where it would: what `mpreg explain` and `mpreg call --explain` print. */
import { Flags } from '@oclif/core';
import type { Candidate, Client, ExplainOptions, Explanation, Verdict } from '../engine/index.ts';
import { afterResult } from './failure.ts';
import type { Output } from './output.ts';
import { dropEmpty } from './settings.ts';
import type { Table } from './table.ts';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;

/** What a call may ask of the place where it runs. */
export const wishFlags = {
  loc: Flags.string({
    ...repeatable,
    helpValue: 'RESOURCE',
    summary: 'A resource that the function or its node must have; repeatable, all of them count.',
  }),
  node: Flags.string({ helpValue: 'NODE', summary: 'Run it on this node (name or id) and no other.' }),
  version: Flags.string({ helpValue: 'RANGE', summary: 'The version of the function: 1.2.0, ^2, >=1.4.' }),
  'function-id': Flags.string({ helpValue: 'ID', summary: 'Exactly this implementation.' }),
};

/** Where in the federation; `--cluster` is a flag of all commands. */
export const regionFlag = {
  region: Flags.string({ helpValue: 'REGION', summary: 'Run it in a cluster of this region.' }),
};

interface Wished {
  readonly loc: string[] | undefined;
  readonly node: string | undefined;
  readonly version: string | undefined;
  readonly 'function-id': string | undefined;
}

/** The same as options of a call. */
export function wishOf(flags: Wished): Pick<ExplainOptions, 'functionId' | 'locs' | 'node' | 'version'> {
  const { loc: locs, node, version, 'function-id': functionId } = flags;
  return dropEmpty({ functionId, locs, node, version });
}

export function isGood(verdict: Verdict): boolean {
  return verdict === 'chosen' || verdict === 'eligible';
}

/** Prints who could take a call. Throws what a call would fail with, where nobody could. */
export async function tellWhere(
  ask: (what: string, question: (client: Client) => Promise<Explanation>) => Promise<Explanation>,
  fun: string,
  options: ExplainOptions,
  output: Output,
): Promise<void> {
  const explanation = await ask(`where ${fun} could run`, (client) => client.explain(fun, options));
  const { candidates, problem, seenBy } = explanation;
  await output.table(explanation, tableOf(candidates));
  if (output.tty) output.note(`as ${seenBy} sees it`);
  if (problem !== undefined) throw afterResult(problem, output);
}

function tableOf(rows: readonly Candidate[]): Table<Candidate> {
  return {
    columns: [
      { name: 'node', style: () => 'bold', value: ({ node }) => node },
      { name: 'version', value: ({ version }) => version },
      {
        name: 'verdict',
        style: ({ verdict }) => (isGood(verdict) ? 'green' : 'dim'),
        value: ({ verdict }) => verdict,
      },
      {
        align: 'right',
        name: 'share',
        value: ({ share }) => (share === undefined ? '' : `${Math.round(share * 100)}%`),
      },
      { align: 'right', name: 'in flight', value: ({ inFlight }) => `${inFlight}` },
      { align: 'right', name: 'latency', value: ({ latencyMs }) => (latencyMs === undefined ? '' : `${latencyMs} ms`) },
      { name: 'why', value: ({ why }) => why },
    ],
    empty: '',
    rows,
  };
}
