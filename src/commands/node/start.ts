import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseDuration } from '../../cli/duration.ts';
import { hubFlags, hubOf } from '../../cli/hub-flags.ts';
import { readAccessKeys } from '../../cli/key.ts';
import { type Log, makeLog } from '../../cli/log.ts';
import { clusterKey, dropEmpty, resolveSettings, tlsOptions } from '../../cli/settings.ts';
import { parseNodeUrl } from '../../cli/url.ts';
import { createNode, type MpregNode, type NodeOptions, problemError } from '../../engine/index.ts';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;

/** Beyond the grace for running calls: telling the others and closing. */
const FAREWELL_MS = 5000;

export default class NodeStart extends BaseCommand<typeof NodeStart> {
  static override summary = 'Start a node and keep it running until it is told to stop.';
  static override description = [
    'Nodes of one user on one machine find each other; nodes elsewhere are named with --peer, any one of them is enough.',
    'The address of the node is printed on stdout as soon as it serves; with --json, one line of JSON. The log goes to stderr.',
    'Ctrl-C or SIGTERM drains it: calls that run are finished, the others are told, then it exits with 0. The second one ends it at once.',
    'Without a key a node listens on loopback only. The current context does not count here; --context does.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --name alpha --port 7400 --functions ./functions.ts --resource gpu',
    "<%= config.bin %> <%= command.id %> --exec 'predict=python3 predict.py' --functions ./functions --watch",
    '<%= config.bin %> <%= command.id %> --peer ws://10.0.0.7:7400 --host 0.0.0.0 --key-file ./key --join-timeout 10s',
    '<%= config.bin %> <%= command.id %> --discover file:./nodes.json --discover srv:_mpreg._tcp.example.com',
    '<%= config.bin %> <%= command.id %> --hub --cluster us --region us-west --link eu=wss://eu.example:9000',
    '<%= config.bin %> <%= command.id %> --port 7400 --sqs-key orders=./orders.secret',
  ];
  static override flags = {
    name: Flags.string({ env: 'MPREG_NAME', summary: 'How the node is called. Made from its id without it.' }),
    port: Flags.integer({
      env: 'MPREG_PORT',
      max: 65_535,
      min: 0,
      summary: 'Port to listen on. A free one without it.',
    }),
    host: Flags.string({
      env: 'MPREG_HOST',
      summary: 'Address to listen on. 127.0.0.1 without it; any other needs a key.',
    }),
    advertise: Flags.string({
      env: 'MPREG_ADVERTISE',
      helpValue: 'URL',
      summary: 'What others dial to reach it, where that is not where it listens: behind a proxy, in a container.',
    }),
    peer: Flags.string({
      ...repeatable,
      delimiter: ',',
      env: 'MPREG_PEERS',
      helpValue: 'URL',
      summary: 'A node to join; repeatable.',
    }),
    resource: Flags.string({
      ...repeatable,
      helpValue: 'NAME',
      summary: 'A dataset, device or place that the node has; repeatable.',
    }),
    functions: Flags.string({
      ...repeatable,
      helpValue: 'FILE',
      summary: 'A module (.ts .js .mjs .cjs) or a folder of them whose exports can be called; repeatable.',
    }),
    exec: Flags.string({
      ...repeatable,
      helpValue: 'NAME=COMMAND',
      summary:
        'A program of any language that runs functions, one line of JSON per call (docs/functions.md); repeatable.',
    }),
    watch: Flags.boolean({
      summary: 'Load modules again when their files change; calls that run end on the old code.',
    }),
    region: Flags.string({ env: 'MPREG_REGION', summary: 'The region that it stands in.' }),
    latitude: Flags.string({
      dependsOn: ['longitude'],
      helpValue: 'DEGREES',
      summary: 'Where it stands: north is positive.',
    }),
    longitude: Flags.string({
      dependsOn: ['latitude'],
      helpValue: 'DEGREES',
      summary: 'Where it stands: east is positive.',
    }),
    'data-dir': Flags.string({
      env: 'MPREG_DATA_DIR',
      helpValue: 'FOLDER',
      summary: 'Where it keeps its identity, its queues and kept topics. Without it every start is a new node.',
    }),
    durability: Flags.option({ options: ['disk', 'memory'] as const })({
      summary:
        'Where its queues are. memory: all that they hold is gone when it ends. disk where there is --data-dir, else memory.',
    }),
    'join-timeout': Flags.string({
      helpValue: 'DURATION',
      summary: 'Exit with 5 if no other node was met by then. Without it the node serves alone and goes on trying.',
    }),
    'tls-client-certs': Flags.boolean({ summary: 'Let in only who shows a certificate signed by --tls-ca.' }),
    workers: Flags.integer({
      max: 256,
      min: 1,
      summary: 'Threads that run functions: more run more at once, each takes some 10 MB. 2 without it.',
    }),
    'worker-memory': Flags.integer({
      helpValue: 'MIB',
      max: 1_048_576,
      min: 16,
      summary:
        'Heap of one such thread in MiB; its buffers may take twice as much. A thread that needs more is ended. 512 without it.',
    }),
    'plan-memory': Flags.integer({
      helpValue: 'MIB',
      max: 1_048_576,
      min: 1,
      summary:
        'Values in MiB that it keeps for plans until they end: more lets plans carry more, less bounds its memory. 256 without it.',
    }),
    'sqs-key': Flags.string({
      ...repeatable,
      delimiter: ',',
      env: 'MPREG_SQS_KEYS',
      helpValue: 'ID=FILE',
      summary:
        'An access key for clients of Amazon SQS: its id, and the file with its secret; repeatable. With one, every request must be signed.',
    }),
    'sqs-account': Flags.string({
      env: 'MPREG_SQS_ACCOUNT',
      helpValue: 'DIGITS',
      summary: 'The account in ARNs and URLs of SQS. 000000000000 without it.',
    }),
    'sqs-strict': Flags.boolean({
      env: 'MPREG_SQS_STRICT',
      summary:
        'Keep clients of SQS waiting as Amazon does: 60 s between purges, and before a deleted name is used again.',
    }),
    discover: Flags.string({
      ...repeatable,
      helpValue: 'SOURCE',
      summary:
        'Where to look for other nodes, again and again: file:PATH, srv:NAME, http://HOST/PATH, mdns (answers, too), gossip:ws://HOST:PORT; repeatable.',
    }),
    ...hubFlags,
    'no-discover': Flags.boolean({
      summary: 'Neither look for other nodes of yours on this machine nor be found by them.',
    }),
    grace: Flags.string({
      default: '30s',
      helpValue: 'DURATION',
      summary: 'How long calls that run may take once it was told to stop.',
    }),
    'until-stdin-ends': Flags.boolean({
      summary: 'Stop, as if told to, when stdin ends: a program that holds the other end cannot leave the node behind.',
    }),
    'log-format': Flags.option({ options: ['text', 'json'] as const })({
      summary: 'Form of the log on stderr; json where --json is given.',
    }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    if (flags['until-stdin-ends']) this.interruption.stopWithStdin();
    const graceMs = parseDuration(flags.grace, '--grace');
    const joinMs =
      flags['join-timeout'] === undefined ? undefined : parseDuration(flags['join-timeout'], '--join-timeout');
    const log = await makeLog(flags['log-format'] ?? (flags.json ? 'json' : 'text'), this.output);
    const options = await this.#options(log);
    if (options.key === undefined) log('info', 'no key: listening on loopback only, open to everybody on this machine');
    const node = await createNode(options);
    this.interruption.endsGracefully(graceMs + FAREWELL_MS);
    const stopRequested = aborted(this.interruption.signal);
    try {
      if (joinMs !== undefined) await Promise.race([node.joined(joinMs), stopRequested, node.stopped]);
      if (!this.interruption.signal.aborted) await this.#sayReady(node, log);
    } catch (error) {
      await node.leave({ graceMs: 0 });
      throw error;
    }
    await Promise.race([stopRequested, node.stopped]);
    if (this.interruption.signal.aborted) {
      const { running } = node.snapshot().calls;
      log('info', `stopping: ${running} calls to finish; once more ends it at once`);
      await node.leave({ graceMs });
    }
    log('info', 'stopped');
  }

  async #options(log: Log): Promise<NodeOptions> {
    const { flags } = this;
    const settings = await resolveSettings(flags, 'named');
    const warn = (message: string): void => log('warn', message);
    const tls = tlsOptions(settings, warn);
    return {
      ...dropEmpty({
        advertise: flags.advertise === undefined ? undefined : parseNodeUrl(flags.advertise, '--advertise'),
        cluster: settings.cluster,
        coordinates: this.#coordinates(),
        dataDir: flags['data-dir'],
        durability: flags.durability,
        exec: flags.exec,
        functions: flags.functions,
        host: flags.host,
        hub: hubOf(flags),
        key: clusterKey(settings, warn),
        name: flags.name,
        planMemoryMb: flags['plan-memory'],
        peers: flags.peer?.map((url) => parseNodeUrl(url, '--peer')),
        port: flags.port,
        region: flags.region,
        resources: flags.resource,
        sources: flags.discover,
        sqs: this.#sqs(warn),
        tls: flags['tls-client-certs'] ? { ...tls, clientCertificates: true } : tls,
        watch: flags.watch,
        workerMemoryMb: flags['worker-memory'],
        workers: flags.workers,
      }),
      discover: !flags['no-discover'],
      log,
    };
  }

  #sqs(warn: (message: string) => void): NodeOptions['sqs'] {
    const { 'sqs-account': account, 'sqs-key': keys = [], 'sqs-strict': strict } = this.flags;
    return { keys: readAccessKeys(keys, warn), ...dropEmpty({ account, strict }) };
  }

  #coordinates(): NodeOptions['coordinates'] {
    const { latitude, longitude } = this.flags;
    if (latitude === undefined || longitude === undefined) return undefined;
    return { latitude: degrees(latitude, '--latitude', 90), longitude: degrees(longitude, '--longitude', 180) };
  }

  async #sayReady(node: MpregNode, log: Log): Promise<void> {
    const { cluster, functions, resources } = node.snapshot().record;
    const names = functions.map(({ name }) => name);
    const { bridgeUrl, id, name, url } = node;
    await this.output.event(
      {
        event: 'ready',
        id,
        name,
        url,
        ...dropEmpty({ bridgeUrl }),
        cluster,
        pid: process.pid,
        functions: names,
        resources,
      },
      url,
    );
    if (this.flags.durability === 'memory')
      log('warn', 'queues are kept in memory: what they hold is gone when it ends');
    log('info', `ready: try "mpreg call echo hi --url ${url}"`, { cluster, name });
  }
}

function degrees(text: string, flag: string, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Math.abs(value) <= most) return value;
  throw problemError('usage-invalid', `${flag}: "${text}" is not between -${most} and ${most} degrees`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
