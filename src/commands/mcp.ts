import { BaseCommand } from '../cli/base-command.ts';
import { connectOptions } from '../cli/settings.ts';
import { connect } from '../engine/index.ts';

/** Answers that are under way, and goodbyes. */
const END_MS = 2_000;

export default class Mcp extends BaseCommand<typeof Mcp> {
  static override summary =
    'Serve the functions of the mesh as tools for AI agents (Model Context Protocol, on stdio).';
  static override description = [
    'Programs that speak the protocol start this command themselves and talk to it over stdin and stdout. Every function ' +
      'that can be called is a tool, and tools come and go as functions do. Survives the node that it is connected to.',
    'Ends with 0 when stdin ends. Notices go to stderr. A call may take as long as who asked for it waits, or as --timeout says.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --url ws://10.0.0.7:7400 --timeout 5m',
  ];

  async run(): Promise<void> {
    this.interruption.endsGracefully(END_MS);
    const settings = await this.settings();
    const [{ serveMcp }, client] = await Promise.all([
      import('../cli/mcp-server.ts'),
      connect({ ...connectOptions(settings, (message) => this.output.warn(message)), reconnect: true }),
    ]);
    this.output.detail(`connected to ${client.node.name} at ${client.node.url}`);
    try {
      const { signal } = this.interruption;
      // Why no limit by itself: who asks has one of its own, and cancels; it cannot give this command another flag.
      const timeoutMs = settings.timeoutGiven ? settings.timeoutMs : 0;
      await serveMcp({ client, signal, timeoutMs, version: this.config.version });
    } finally {
      await client.close();
    }
  }
}
