import { setTimeout as pause } from 'node:timers/promises';
import { Flags } from '@oclif/core';
import { checkKnown, only } from '../../../cli/federation/health.ts';
import { changeText, healthChanges } from '../../../cli/federation/health-changes.ts';
import { intervalFlag, intervalMs } from '../../../cli/federation/interval.ts';
import { WatchingCommand } from '../../../cli/federation/watching-command.ts';
import { healthOfAll, type SeenHealth } from '../../../cli/federation/whole.ts';
import type { Steady } from '../../../cli/steady.ts';

export default class FederationMonitorHealthWatch extends WatchingCommand<typeof FederationMonitorHealthWatch> {
  static override summary =
    'Watch the health of the federation: clusters, links, map, alerts and events on the whole terminal.';
  static override description =
    'Each interval, and at once when something happens. q ends it, ? shows the keys. Not on a terminal, or with --json: one line per ' +
    'change, the first look being all change: time, what, name, state (before → now), points, why. Where its node is gone, another one ' +
    'is asked, which is said on stderr. Ends with 0 after --count ' +
    'looks, with 130 after Ctrl-C.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --interval 5 --clusters prod-eu,prod-us',
    '<%= config.bin %> <%= command.id %> --json >> health.ndjson',
  ];
  static override flags = {
    clusters: Flags.string({
      delimiter: ',',
      helpValue: 'CLUSTER',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Only these.',
    }),
    count: Flags.integer({ helpValue: 'N', min: 1, summary: 'End after so many looks; lines, also on a terminal.' }),
    interval: intervalFlag,
  };

  async run(): Promise<void> {
    const { clusters = [], count } = this.flags;
    const everyMs = intervalMs(this.flags.interval);
    if (!this.output.tty || this.output.json || count !== undefined) return this.#lines(everyMs, clusters, count);
    const { watchFederation } = await import('../../../tui/federation/watch-federation.ts');
    await watchFederation({ ...(await this.watching()), clusters, everyMs, view: 'clusters' });
  }

  async #lines(everyMs: number, clusters: readonly string[], count = Number.POSITIVE_INFINITY): Promise<void> {
    const { signal } = this.interruption;
    const steady = await this.steady();
    let before: SeenHealth | undefined;
    try {
      for (let looks = 1; !signal.aborted; looks++) {
        const health = await this.#look(steady, before);
        const at = new Date().toISOString();
        if (before === undefined && health !== undefined) checkKnown(health, clusters);
        const seen = health && only(health, clusters);
        for (const change of seen === undefined ? [] : healthChanges(before && only(before, clusters), seen)) {
          await this.output.event({ at, ...change }, `${at}\t${changeText(change)}`);
        }
        before = health ?? before;
        if (looks >= count) return;
        await pause(everyMs, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      await steady.close();
    }
  }

  /** Undefined where nobody answers: told, and tried again. The first look must succeed. */
  async #look(steady: Steady, before: SeenHealth | undefined): Promise<SeenHealth | undefined> {
    try {
      const health = await steady.ask('the health of the federation', (client) => healthOfAll(client));
      // What a hub said that does not answer just now is neither gone nor different: of a dead one nobody asks any more.
      const kept = before?.links.filter(({ hub }) => health.silent.includes(hub)) ?? [];
      return { ...health, links: [...health.links, ...kept] };
    } catch (error) {
      if (before === undefined || this.interruption.signal.aborted) throw error;
      this.output.warn(`no look at the federation: ${(error as Error).message}`);
      return undefined;
    }
  }
}
