/**
 * How this command reaches the mesh, put together from five places: flag, environment, project file, context, default.
 * Each value is taken from the first place that has it. A context that was asked for by name, with `--context` or
 * `MPREG_CONTEXT`, was meant for this very command and goes before the project file.
 */
import { readFileSync } from 'node:fs';
import { type ConnectOptions, problemError, type TlsOptions } from '../engine/index.ts';
import { type Context, findContext, readContexts } from './contexts.ts';
import { parseDuration } from './duration.ts';
import { readKey, readSecret } from './key.ts';
import { type ProjectFile, readProjectFile } from './project-file.ts';
import { parseNodeUrl } from './url.ts';

/** What flags and environment gave; the command framework has merged the two. */
export interface GivenFlags {
  readonly context?: string | undefined;
  readonly url?: string[] | undefined;
  readonly cluster?: string | undefined;
  readonly timeout?: string | undefined;
  readonly 'key-file'?: string | undefined;
  readonly 'tls-ca'?: string | undefined;
  readonly 'tls-cert'?: string | undefined;
  readonly 'tls-key'?: string | undefined;
}

export interface Settings {
  /** Empty: whatever node of this user runs here. */
  readonly urls: readonly string[];
  readonly cluster?: string;
  readonly keyFile?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Milliseconds; 0 is no limit. */
  readonly timeoutMs: number;
  /** Whether somebody chose the timeout, as opposed to the default. */
  readonly timeoutGiven: boolean;
  /** The name of the context in use, and the project file, where there are any. */
  readonly context?: string;
  readonly projectFile?: string;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** How long a node may take to answer the door where nobody said how long; a call may take longer. */
const CONNECT_MS = 3000;

type Place = Partial<Context>;

/** `contexts: 'named'`: only a context that was asked for counts, not the current one. */
export async function resolveSettings(flags: GivenFlags, contexts: 'named' | 'all' = 'all'): Promise<Settings> {
  const project = await readProjectFile();
  const chosen = chooseContext(flags, project, contexts);
  const given: Place = dropEmpty({
    cluster: flags.cluster,
    keyFile: flags['key-file'],
    timeout: flags.timeout,
    tlsCa: flags['tls-ca'],
    tlsCert: flags['tls-cert'],
    tlsKey: flags['tls-key'],
    urls: flags.url?.length ? flags.url : undefined,
  });
  const places: Place[] =
    flags.context === undefined
      ? [given, project ?? {}, chosen?.context ?? {}]
      : [given, chosen?.context ?? {}, project ?? {}];
  const first = <Key extends keyof Context>(key: Key): Context[Key] | undefined =>
    places.find((place) => place[key] !== undefined)?.[key];
  const timeout = first('timeout');
  return {
    ...dropEmpty({
      cluster: first('cluster'),
      context: chosen?.name,
      keyFile: first('keyFile'),
      projectFile: project?.file,
      tlsCa: first('tlsCa'),
      tlsCert: first('tlsCert'),
      tlsKey: first('tlsKey'),
    }),
    timeoutGiven: timeout !== undefined,
    timeoutMs: timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(timeout, '--timeout'),
    urls: (first('urls') ?? []).map((url) => parseNodeUrl(url, '--url')),
  };
}

function chooseContext(
  flags: GivenFlags,
  project: ProjectFile | undefined,
  contexts: 'named' | 'all',
): { readonly name: string; readonly context: Context } | undefined {
  const named = flags.context ?? project?.context;
  if (named === undefined && contexts === 'named') return undefined;
  const all = readContexts();
  const name = named ?? all.current;
  return name === undefined ? undefined : { context: findContext(name, all), name };
}

/**
 * What `connect` wants to know; reads the key and the certificates from their files. A command ends with its connection,
 * unless it `survives`.
 */
export function connectOptions(settings: Settings, warn: (message: string) => void, survives = false): ConnectOptions {
  const key = clusterKey(settings, warn);
  const tls = tlsOptions(settings, warn);
  const limit = settings.timeoutMs === 0 ? Number.POSITIVE_INFINITY : settings.timeoutMs;
  return {
    ...dropEmpty({ cluster: settings.cluster, key, tls }),
    connectTimeoutMs:
      settings.timeoutGiven && settings.timeoutMs > 0 ? settings.timeoutMs : Math.min(limit, CONNECT_MS),
    reconnect: survives,
    ...(settings.urls.length > 0 && { urls: settings.urls }),
  };
}

export function clusterKey(settings: Settings, warn: (message: string) => void): Uint8Array | undefined {
  const text = process.env['MPREG_KEY'];
  return readKey(dropEmpty({ file: settings.keyFile, text: text === '' ? undefined : text }), warn);
}

export function tlsOptions(settings: Settings, warn: (message: string) => void): TlsOptions | undefined {
  const { tlsCa, tlsCert, tlsKey } = settings;
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return undefined;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw problemError('usage-invalid', '--tls-cert and --tls-key belong together: give both or none');
  }
  return dropEmpty({
    ca: tlsCa === undefined ? undefined : pem(tlsCa),
    cert: tlsCert === undefined ? undefined : pem(tlsCert),
    key: tlsKey === undefined ? undefined : readSecret(tlsKey, warn),
  });
}

function pem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw problemError('file-unreadable', `the certificate file ${file} cannot be read: ${(error as Error).message}`);
  }
}

/** The same object without the keys that hold undefined, which `exactOptionalPropertyTypes` tells apart from absent. */
export function dropEmpty<Found extends object>(
  found: Found,
): { [Key in keyof Found]?: Exclude<Found[Key], undefined> } {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as never;
}
