/**
 * The clusters of a file as processes of this machine: hubs that go on when the command has ended, until `down` ends them.
 *
 * What was started stands in `nodes.json`, in one folder with each node's log and data. A node counts as running only where
 * the directory of this user's nodes says so of the same id and process: a number that the system has given to another
 * process is never sent a signal.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { nearbyNodes, problemError, processRuns } from '../../engine/index.ts';
import { ownProcess } from '../up/own-process.ts';
import { hubsOf } from './deployment.ts';
import type { FederationFile, FileCluster } from './federation-schema.ts';
import { portOf } from './local-file.ts';
import { alone } from './local-lock.ts';

export interface LocalNode {
  readonly cluster: string;
  readonly name: string;
  readonly id: string;
  readonly pid: number;
  readonly url: string;
  readonly log: string;
}

const STATE_FILE = 'nodes.json';
/** What a hub says when it is ready. */
const SAID_FILE = 'ready.json';
const LOOK_MS = 50;
const LAST_LINES = 6;

/** `.mpreg/NAME` beside the file. */
export function folderOf(file: string): string {
  if (file === '-') return resolve('.mpreg', 'stdin');
  return resolve(dirname(file), '.mpreg', basename(file).replace(/\.(json|ya?ml)$/, ''));
}

/** Folders of federations that were started from here. */
export function foldersHere(): readonly string[] {
  const above = resolve('.mpreg');
  if (!existsSync(above)) return [];
  const names = readdirSync(above).sort();
  return names.map((name) => join(above, name)).filter((folder) => existsSync(join(folder, STATE_FILE)));
}

export function readLocal(folder: string): readonly LocalNode[] {
  const file = join(folder, STATE_FILE);
  if (!existsSync(file)) return [];
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw problemError('file-unreadable', `${file}: ${(error as Error).message}`);
  }
}

/** Those of them that run. */
export async function running(nodes: readonly LocalNode[]): Promise<readonly LocalNode[]> {
  const { nodes: found } = await nearbyNodes();
  return nodes.filter(({ id, pid }) => found.some((entry) => entry.id === id && entry.pid === pid));
}

export interface StartOptions {
  readonly folder: string;
  /** Further words for `node start`, such as a key file. */
  readonly args: readonly string[];
  readonly env: (cluster: FileCluster) => NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

/** Starts what does not run yet. Where one fails, those that were started here are ended again. */
export function startLocal(file: FederationFile, options: StartOptions): Promise<readonly LocalNode[]> {
  return alone(options.folder, options, () => start(file, options));
}

async function start(file: FederationFile, options: StartOptions): Promise<readonly LocalNode[]> {
  const { folder, note } = options;
  const before = await running([...readLocal(folder), ...orphans(file, folder)]);
  const started: Starting[] = [];
  const nodes: LocalNode[] = [];
  try {
    for (const cluster of file.clusters) {
      const hubs = hubsOf(cluster);
      for (const [at, hub] of hubs.entries()) {
        const known = before.find(({ cluster: id, name }) => id === cluster.cluster_id && name === hub.name);
        if (known !== undefined && portOf(known.url) !== portOf(hub.serverUrl))
          throw elsewhere(known, hub.serverUrl, folder);
        if (known !== undefined) nodes.push(known);
        else started.push(startOne(cluster, hubs, at, options));
      }
    }
    if (started.length > 0) note(`starting ${started.length} ${started.length === 1 ? 'hub' : 'hubs'} here`);
    const until = performance.now() + options.timeoutMs;
    nodes.push(...(await Promise.all(started.map((one) => one.ready(until, options.signal)))));
  } catch (error) {
    for (const { kill } of started) kill();
    throw error;
  }
  const others = before.filter(({ id }) => !nodes.some((one) => one.id === id));
  if (others.length > 0) {
    const names = others.map(({ name }) => name).join(', ');
    note(
      `${names} ${others.length === 1 ? 'is' : 'are'} not in the file any more, and ${others.length === 1 ? 'goes' : 'go'} on until "down"`,
    );
  }
  write(folder, [...nodes, ...others]);
  return nodes;
}

/** Hubs whose command was killed before it wrote them down: each has said itself who it is. */
function orphans(file: FederationFile, folder: string): readonly LocalNode[] {
  const known = new Set(readLocal(folder).map(({ id }) => id));
  return file.clusters.flatMap((cluster) =>
    hubsOf(cluster).flatMap(({ name }) => {
      const place = join(folder, cluster.cluster_id, name);
      const said = existsSync(join(place, SAID_FILE)) ? documentIn(join(place, SAID_FILE)) : undefined;
      if (said?.event !== 'ready' || known.has(said.id)) return [];
      const { id, pid, url } = said;
      return [{ cluster: cluster.cluster_id, id, log: join(place, 'log'), name, pid, url }];
    }),
  );
}

function elsewhere({ name, url }: LocalNode, wanted: string, folder: string): Error {
  return problemError('exists-already', `the hub ${name} runs already, at ${url}, and the file says ${wanted}`, {
    hint: `End what runs, and deploy again.\nmpreg federation down --data-dir ${folder}`,
    node: name,
  });
}

interface Starting {
  ready(until: number, signal: AbortSignal): Promise<LocalNode>;
  kill(): void;
}

function startOne(cluster: FileCluster, hubs: ReturnType<typeof hubsOf>, at: number, options: StartOptions): Starting {
  const { args: more, env, folder } = options;
  const hub = hubs[at];
  if (hub === undefined) throw new Error('no such hub');
  const place = join(folder, cluster.cluster_id, hub.name);
  mkdirSync(place, { mode: 0o700, recursive: true });
  const log = join(place, 'log');
  const said = join(place, SAID_FILE);
  const own = ownProcess();
  const child = spawn(
    own.file,
    [...own.args, 'node', 'start', '--json', ...wordsOf(cluster, hubs, at), ...more, '--data-dir', join(place, 'data')],
    {
      cwd: place,
      detached: true,
      env: env(cluster),
      stdio: ['ignore', openSync(said, 'w', 0o600), openSync(log, 'a', 0o600)],
      windowsHide: true,
    },
  );
  child.unref();
  let ended: string | undefined;
  child.once('error', ({ message }) => {
    ended = message;
  });
  child.once('exit', (code, signal) => {
    ended = signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`;
  });
  return {
    kill: () => void (ended === undefined && child.kill('SIGKILL')),
    ready: async (until, signal) => {
      for (;;) {
        const words = documentIn(said);
        if (words?.event === 'ready') {
          return {
            cluster: cluster.cluster_id,
            id: words.id,
            log,
            name: hub.name,
            pid: child.pid ?? words.pid,
            url: words.url,
          };
        }
        if (ended !== undefined) throw died(hub.name, `${ended}${told(words, log)}`, log);
        if (signal.aborted) throw problemError('interrupted', 'interrupted: what was started is ended again');
        if (performance.now() > until) throw died(hub.name, `it is not ready in time${told(words, log)}`, log);
        await pause(LOOK_MS);
      }
    },
  };
}

function wordsOf(cluster: FileCluster, hubs: ReturnType<typeof hubsOf>, at: number): readonly string[] {
  const hub = hubs[at];
  const { cluster_id: id, cluster_name: name, coordinates, region, resources = [], tags = [] } = cluster;
  const ports = [hub?.serverUrl, hub?.bridgeUrl].map((url) => String(portOf(url ?? '')));
  return [
    ...['--hub', '--cluster', id, '--name', hub?.name ?? '', '--region', region, '--port', ports[0] ?? ''],
    ...(ports[0] === ports[1] ? [] : ['--bridge-port', ports[1] ?? '']),
    ...(name === undefined ? [] : ['--cluster-name', name]),
    ...(coordinates === undefined
      ? []
      : ['--latitude', String(coordinates.latitude), '--longitude', String(coordinates.longitude)]),
    ...tags.flatMap((tag) => ['--tag', tag]),
    ...resources.flatMap((resource) => ['--resource', resource]),
    ...hubs.filter((_, other) => other !== at).flatMap(({ serverUrl }) => ['--peer', serverUrl]),
  ];
}

interface Said {
  readonly event?: string;
  readonly id: string;
  readonly pid: number;
  readonly url: string;
  readonly error?: { readonly message: string };
}

function documentIn(file: string): Said | undefined {
  const [line = ''] = readFileSync(file, 'utf8').split('\n');
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // it is being written
  }
}

function told(words: Said | undefined, log: string): string {
  if (words?.error !== undefined) return `: ${words.error.message}`;
  const last = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LAST_LINES);
  return last.join('') === '' ? '' : `; the last that it said:\n  ${last.join('\n  ')}`;
}

function died(name: string, why: string, log: string): Error {
  return problemError('node-died', `the hub ${name} did not start: ${why}`, {
    hint: `What it said is in its log.\ncat ${log}`,
    node: name,
  });
}

export interface Ended {
  readonly name: string;
  readonly cluster: string;
  /** `gone`: it had ended before; `killed`: it did not end in time by itself. */
  readonly state: 'ended' | 'killed' | 'gone';
}

/** Has every node finish its calls and leave; whoever has not done so by then is killed. None where none was ever started. */
export function endLocal(folder: string, graceMs: number, note: (text: string) => void): Promise<readonly Ended[]> {
  if (!existsSync(folder)) return Promise.resolve([]);
  return alone(folder, { note, timeoutMs: graceMs }, () => end(folder, graceMs));
}

async function end(folder: string, graceMs: number): Promise<readonly Ended[]> {
  const nodes = readLocal(folder);
  if (nodes.length === 0) return [];
  const alive = new Set((await running(nodes)).map(({ id }) => id));
  const ended = await Promise.all(
    nodes.map(async ({ cluster, id, name, pid }): Promise<Ended> => {
      if (!alive.has(id) || !signalled(pid, 'SIGTERM')) return { cluster, name, state: 'gone' };
      const until = performance.now() + graceMs;
      while (processRuns(pid)) {
        if (performance.now() > until) {
          signalled(pid, 'SIGKILL');
          return { cluster, name, state: 'killed' };
        }
        await pause(LOOK_MS);
      }
      return { cluster, name, state: 'ended' };
    }),
  );
  write(folder, []);
  return ended;
}

function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function write(folder: string, nodes: readonly LocalNode[]): void {
  const file = join(folder, STATE_FILE);
  writeFileSync(`${file}.tmp`, `${JSON.stringify(nodes, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}
