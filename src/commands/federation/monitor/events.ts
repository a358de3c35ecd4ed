import { setTimeout as pause } from 'node:timers/promises';
import { Flags } from '@oclif/core';
import { hubsOf } from '../../../cli/federation/hubs.ts';
import { WatchingCommand } from '../../../cli/federation/watching-command.ts';
import type { Steady } from '../../../cli/steady.ts';
import { type FederationEvent, ProblemError } from '../../../engine/index.ts';
import { federationEvents } from '../../../tui/federation/feed.ts';

/** Before hubs are looked for again where none is left. */
const NO_HUB_MS = 1_000;

export default class FederationMonitorEvents extends WatchingCommand<typeof FederationMonitorEvents> {
  static override summary = 'Follow what happens between clusters, one line per event, until interrupted.';
  static override description =
    'Clusters that can be reached again, no longer, or have left; links of the hub that come and go; breakers that open, are tried ' +
    '(half-open) and close: as one hub of this cluster sees it, from now on. When that hub is gone, another one is followed, which is ' +
    'said on stderr. The same, and alerts, are on the topics mpreg.federation.#. Ends with 0 after --count events, with 130 after Ctrl-C.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --kind cluster --json --count 1',
  ];
  static override flags = {
    count: Flags.integer({ helpValue: 'N', min: 1, summary: 'End after so many events.' }),
    kind: Flags.option({ options: ['cluster', 'bridge'] as const })({
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Only events of this kind; repeatable.',
    }),
  };

  async run(): Promise<void> {
    const { count = Number.POSITIVE_INFINITY, kind: kinds = [] } = this.flags;
    const steady = await this.steady();
    this.output.note('following a hub of this cluster; Ctrl-C ends');
    let seen = 0;
    try {
      for await (const event of this.#events(steady)) {
        if (kinds.length > 0 && !kinds.includes(event.kind)) continue;
        const at = new Date(event.at).toISOString();
        await this.output.event({ ...event, at }, `${at}\t${describe(event)}`);
        if (++seen >= count) return;
      }
    } finally {
      await steady.close();
    }
  }

  /** Over the loss of hubs and of nodes. Where there was no hub from the start, that is an error. */
  async *#events(steady: Steady): AsyncGenerator<FederationEvent & { readonly at: number }> {
    const { signal } = this.interruption;
    const note = (text: string) => this.output.note(text);
    await steady.ask('the hubs', hubsOf);
    for (let isAlone = false; !signal.aborted; ) {
      try {
        yield* federationEvents(steady.client, signal, note);
      } catch (error) {
        if (signal.aborted) return;
        if (await steady.moved(error as Error)) continue;
        if (!(error instanceof ProblemError) || error.problem.code !== 'hub-missing') throw error;
        if (!isAlone) note('no hub is left; waiting for one');
        isAlone = true;
        await pause(NO_HUB_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

function describe(event: FederationEvent): string {
  const { cluster, reason } = event;
  return event.kind === 'cluster'
    ? `cluster\t${cluster}\t${event.state}\t${reason}`
    : `bridge\t${cluster}\t${event.change}\t${event.peer}\t${reason}`;
}
