/**
 * What could stand in place of the word that is being typed: commands and flags from the manifest, names of nodes and
 * functions from the mesh, contexts and problem codes from here. The shells' scripts (`completion-scripts.ts`) only
 * carry words to this and candidates back.
 */
import type { Config } from '@oclif/core';
import { type AlertsReply, type Client, connect, type FederationView, nearbyNodes, PROBLEMS } from '../engine/index.ts';
import { SHELLS } from './completion-scripts.ts';
import { readContexts } from './contexts.ts';
import { alertsOf } from './federation/alerts.ts';
import { askHub, askHubs } from './federation/hubs.ts';
import { globalFlags } from './global-flags.ts';
import { connectOptions, resolveSettings } from './settings.ts';

export interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** Tells the shell to offer files in place of candidates. */
export const FILES: readonly Candidate[] = [{ value: ':files' }];

type Kind =
  | 'alert'
  | 'cluster'
  | 'code'
  | 'context'
  | 'file'
  | 'function'
  | 'node'
  | 'nothing'
  | 'pattern'
  | 'queue'
  | 'shell'
  | 'topic';

/** Kinds that the mesh is asked for. */
type Live = 'alert' | 'cluster' | 'function' | 'node' | 'pattern' | 'queue' | 'topic';

/** What the positional arguments of a command are; the last kind stands for all that follow. Others are files. */
const ARGUMENTS: Readonly<Record<string, readonly Kind[]>> = {
  call: ['function', 'file'],
  completion: ['shell', 'nothing'],
  'context:add': ['nothing'],
  'context:delete': ['context', 'nothing'],
  'context:show': ['context', 'nothing'],
  'context:use': ['context', 'nothing'],
  errors: ['code', 'nothing'],
  'federation:alerts:ack': ['alert', 'nothing'],
  'federation:explain': ['function', 'nothing'],
  'federation:link:add': ['cluster', 'nothing'],
  'federation:link:drain': ['cluster', 'nothing'],
  'federation:link:remove': ['cluster', 'nothing'],
  'federation:register': ['nothing'],
  'federation:unregister': ['cluster', 'nothing'],
  'function:info': ['function', 'nothing'],
  'node:drain': ['node', 'nothing'],
  'node:info': ['node', 'nothing'],
  'node:leave': ['node', 'nothing'],
  publish: ['topic', 'file'],
  'queue:ack': ['queue', 'nothing'],
  'queue:bind': ['queue', 'pattern'],
  'queue:create': ['nothing'],
  'queue:delete': ['queue', 'nothing'],
  'queue:edit': ['queue', 'nothing'],
  'queue:extend': ['queue', 'nothing'],
  'queue:info': ['queue', 'nothing'],
  'queue:move': ['queue', 'nothing'],
  'queue:nack': ['queue', 'nothing'],
  'queue:peek': ['queue', 'nothing'],
  'queue:purge': ['queue', 'nothing'],
  'queue:receive': ['queue', 'nothing'],
  'queue:redrive': ['queue', 'nothing'],
  'queue:release': ['queue', 'nothing'],
  'queue:send': ['queue', 'file'],
  'queue:subscribe': ['queue', 'nothing'],
  'queue:unbind': ['queue', 'pattern'],
  'queue:unsubscribe': ['queue', 'nothing'],
  'queue:watch': ['queue'],
  subscribe: ['pattern'],
  'topic:match': ['topic', 'nothing'],
  'topic:unschedule': ['nothing'],
};

const FLAG_VALUES: Readonly<Record<string, Kind>> = {
  config: 'file',
  context: 'context',
  'data-dir': 'file',
  'dead-letter': 'queue',
  functions: 'file',
  'key-file': 'file',
  node: 'node',
  save: 'file',
  'tls-ca': 'file',
  'tls-cert': 'file',
  'tls-key': 'file',
  topology: 'file',
};

/** The same words mean clusters where the command is about them. */
const FEDERATION_FLAGS: Readonly<Record<string, Kind>> = {
  avoid: 'cluster',
  clusters: 'cluster',
  from: 'cluster',
  to: 'cluster',
};

/** Longest wait for a node while somebody's finger rests on Tab. */
const PATIENCE_MS = 400;

/** `words`: what stands after `mpreg`; the last is being typed and may be empty. */
export async function complete(words: readonly string[], config: Config): Promise<readonly Candidate[]> {
  const before = words.slice(0, -1).filter((word) => word !== '=');
  const current = words.at(-1) ?? '';
  const { id, length } = commandOf(before, config);
  const flags: Flags = { ...globalFlags, ...(id === undefined ? {} : config.findCommand(id)?.flags) };
  const typed = before.slice(length);
  const open = flagAwaitingValue(typed, flags);
  let found: readonly Candidate[];
  if (open !== undefined)
    found = flags[open]?.options?.map((value) => ({ value })) ?? (await ofKind(kindOfFlag(id, open), before));
  else if (current.startsWith('-')) found = flagCandidates(flags);
  else if (id === undefined) found = commandCandidates(before, config);
  else {
    const takesArguments = Object.keys(config.findCommand(id)?.args ?? {}).length > 0;
    const kinds = ARGUMENTS[id] ?? [takesArguments ? 'file' : 'nothing'];
    found = await ofKind(kinds[positionals(typed, flags)] ?? kinds.at(-1) ?? 'file', before);
  }
  return found === FILES ? FILES : found.filter(({ value }) => value.startsWith(current));
}

/** The flags that matter here, of ours and of the command framework's manifest alike. */
interface FlagShape {
  readonly type: 'boolean' | 'option';
  readonly char?: string | undefined;
  readonly summary?: string | undefined;
  readonly hidden?: boolean | undefined;
  readonly options?: readonly string[] | undefined;
}

type Flags = Readonly<Record<string, FlagShape>>;

function commandOf(
  words: readonly string[],
  config: Config,
): { readonly id: string | undefined; readonly length: number } {
  for (let length = words.length; length > 0; length--) {
    const id = words.slice(0, length).join(':');
    if (config.findCommand(id) !== undefined) return { id, length };
  }
  return { id: undefined, length: 0 };
}

function commandCandidates(before: readonly string[], config: Config): Candidate[] {
  const prefix = before.length === 0 ? '' : `${before.join(':')}:`;
  const found = new Map<string, Candidate>();
  for (const { hidden, id, summary } of config.commands) {
    if (hidden || !id.startsWith(prefix)) continue;
    const [value = '', ...deeper] = id.slice(prefix.length).split(':');
    const description = deeper.length === 0 ? summary : config.findTopic(prefix + value)?.description;
    found.set(value, description === undefined ? { value } : { description, value });
  }
  return [...found.values()].sort((a, b) => (a.value < b.value ? -1 : 1));
}

function flagCandidates(flags: Flags): Candidate[] {
  const all = Object.entries(flags).filter(([, { hidden }]) => hidden !== true);
  const named = all.map(([name, { summary = '' }]) => ({ description: summary, value: `--${name}` }));
  return [...named, { description: 'Show help.', value: '--help' }];
}

function nameOf(word: string, flags: Flags): string | undefined {
  if (word.startsWith('--')) return word.slice(2);
  return Object.keys(flags).find((name) => flags[name]?.char !== undefined && word === `-${flags[name].char}`);
}

/** The flag whose value is being typed. */
function flagAwaitingValue(typed: readonly string[], flags: Flags): string | undefined {
  const name = typed.includes('--') ? undefined : nameOf(typed.at(-1) ?? '', flags);
  return name !== undefined && flags[name]?.type === 'option' ? name : undefined;
}

function kindOfFlag(id: string | undefined, flag: string): Kind {
  const special = id?.startsWith('federation:') ? FEDERATION_FLAGS[flag] : undefined;
  return special ?? FLAG_VALUES[flag] ?? 'nothing';
}

/** How many positional arguments stand there already. */
function positionals(typed: readonly string[], flags: Flags): number {
  let count = 0;
  for (let i = 0; i < typed.length; i++) {
    const word = typed[i] ?? '';
    const name = word === '-' ? undefined : nameOf(word, flags);
    if (name === undefined) count++;
    else if (flags[name]?.type === 'option') i++;
  }
  return count;
}

async function ofKind(kind: Kind, words: readonly string[]): Promise<readonly Candidate[]> {
  switch (kind) {
    case 'file':
      return FILES;
    case 'nothing':
      return [];
    case 'shell':
      return SHELLS.map((value) => ({ value }));
    case 'code':
      return Object.entries(PROBLEMS).map(([value, { title }]) => ({ description: title, value }));
    case 'context':
      return Object.entries(readContexts().contexts).map(([value, { urls }]) => ({
        description: urls.join(' '),
        value,
      }));
    default:
      return live(kind, words);
  }
}

/** Asks the mesh that the command line would reach; nothing where none answers at once. */
async function live(kind: Live, words: readonly string[]): Promise<readonly Candidate[]> {
  const value = (flag: string): string | undefined => {
    const at = words.indexOf(flag);
    return at < 0 ? process.env[`MPREG_${flag.slice(2).toUpperCase().replace('-', '_')}`] : words[at + 1];
  };
  const url = value('--url');
  const settings = await resolveSettings({
    cluster: value('--cluster'),
    context: value('--context'),
    'key-file': value('--key-file'),
    url: url === undefined ? undefined : url.split(','),
  });
  if (settings.urls.length === 0 && (await nearbyNodes()).nodes.length === 0) return [];
  const client = await connect({ ...connectOptions(settings, () => {}), connectTimeoutMs: PATIENCE_MS });
  try {
    if (kind === 'node') {
      const members = (await client.members()).filter(({ state }) => state !== 'dead' && state !== 'left');
      return members.map(({ name, record, state }) => ({ description: record?.region ?? state, value: name }));
    }
    if (kind === 'queue') return await queues(client);
    if (kind === 'alert') return await alerts(client);
    if (kind === 'cluster') return await clusters(client);
    if (kind !== 'function') return await patterns(client, kind);
    const functions = new Map((await client.functions()).map((fun) => [fun.name, fun.description ?? `on ${fun.node}`]));
    return [...functions]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, description]) => ({ description, value: name }));
  } finally {
    await client.close();
  }
}

async function clusters(client: Client): Promise<readonly Candidate[]> {
  const view = await askHub<FederationView>(client, 'view', {});
  return view.clusters.map(({ cluster, name, region }) => ({ description: `${name}, ${region}`, value: cluster }));
}

/** Those that fire, and their rules. */
async function alerts(client: Client): Promise<readonly Candidate[]> {
  const firing = alertsOf(await askHubs<AlertsReply>(client, 'alerts', {})).filter(({ state }) => state === 'firing');
  const rules = Map.groupBy(firing, ({ rule }) => rule);
  return [
    ...firing.map(({ id, says, severity }) => ({ description: says === '' ? severity : says, value: id })),
    ...[...rules].map(([value, { length }]) => ({ description: `all ${length} of the rule`, value })),
  ];
}

async function queues(client: Client): Promise<readonly Candidate[]> {
  const found = (await client.queues()).flatMap(({ found }) => found);
  return found
    .map(({ counts, name, node }) => ({ description: `${counts.ready} ready, on ${node}`, value: name }))
    .sort((a, b) => (a.value < b.value ? -1 : 1));
}

/** What somebody listens to; as topics, those that have no wildcards. */
async function patterns(client: Client, kind: 'pattern' | 'topic'): Promise<readonly Candidate[]> {
  const found = new Map<string, string>();
  for (const { found: subscriptions, node } of await client.subscriptions()) {
    const listening = subscriptions.filter(({ inbox }) => inbox !== true);
    for (const pattern of listening.flatMap(({ patterns }) => patterns)) found.set(pattern, `on ${node}`);
  }
  const wanted = [...found].filter(([pattern]) => kind === 'pattern' || !/[*#]/.test(pattern));
  return wanted.sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, description]) => ({ description, value }));
}
