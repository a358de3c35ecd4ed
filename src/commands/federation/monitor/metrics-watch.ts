import { setTimeout as pause } from 'node:timers/promises';
import { Flags } from '@oclif/core';
import { type HubSight, hubRates, ratesTable } from '../../../cli/federation/hub-rates.ts';
import { askHubs } from '../../../cli/federation/hubs.ts';
import { intervalFlag, intervalMs } from '../../../cli/federation/interval.ts';
import { WatchingCommand } from '../../../cli/federation/watching-command.ts';
import { LiveTable } from '../../../cli/live-table.ts';
import type { Steady } from '../../../cli/steady.ts';
import type { AlertsReply, Client, FederationView } from '../../../engine/index.ts';

export default class FederationMonitorMetricsWatch extends WatchingCommand<typeof FederationMonitorMetricsWatch> {
  static override summary = 'Show what crosses the hubs of this cluster, again and again, until interrupted.';
  static override description =
    'For each hub: clusters that it reaches, links that are up, round trip and loss, messages between clusters in a second (sent, ' +
    'arrived, passed on for others, not delivered), alerts that fire. On a terminal a table that is drawn anew; elsewhere a line ' +
    'for each hub each time, after the time. What monitoring systems read is at /metrics of each hub.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --interval 1',
    '<%= config.bin %> <%= command.id %> --json --count 2 --interval 5',
  ];
  static override flags = {
    count: Flags.integer({ helpValue: 'N', min: 1, summary: 'End after so many times.' }),
    interval: intervalFlag,
  };

  async run(): Promise<void> {
    const { count = Number.POSITIVE_INFINITY } = this.flags;
    const everyMs = intervalMs(this.flags.interval);
    const { signal } = this.interruption;
    const table = new LiveTable(this.output);
    const steady = await this.steady();
    let before: ReadonlyMap<string, HubSight> | undefined;
    try {
      for (let times = 1; !signal.aborted; times++) {
        const now = await this.#look(steady, before !== undefined);
        const rates = [...(now ?? [])].map(([hub, sight]) => hubRates(sight, before?.get(hub)));
        before = now ?? before;
        const at = new Date().toISOString();
        if (this.output.json) for (const one of rates) await this.output.event({ at, ...one }, '');
        else if (now !== undefined) await table.draw(ratesTable(rates), at);
        if (times >= count) return;
        await pause(everyMs, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      await steady.close();
    }
  }

  /** Undefined where nobody answers: told, and tried again. The first look must succeed. */
  async #look(steady: Steady, goesOn: boolean): Promise<ReadonlyMap<string, HubSight> | undefined> {
    try {
      return await steady.ask('the hubs', sightsOf);
    } catch (error) {
      if (!goesOn || this.interruption.signal.aborted) throw error;
      this.output.warn(`no look at the hubs: ${(error as Error).message}`);
      return undefined;
    }
  }
}

async function sightsOf(client: Client): Promise<ReadonlyMap<string, HubSight>> {
  const [views, replies] = await Promise.all([
    askHubs<FederationView>(client, 'view', {}),
    askHubs<AlertsReply>(client, 'alerts', {}),
  ]);
  const at = Date.now();
  return new Map(
    views.flatMap((view) => {
      const alerts = replies.find(({ hub }) => hub === view.hub);
      return alerts === undefined ? [] : [[view.hub, { alerts, at, view }] as const];
    }),
  );
}
