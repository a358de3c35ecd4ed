/**
 * What may be wrong between a user and the mesh, looked at one thing after the other: each check ends with what it saw
 * and, where something is wanting, with what to do. No check changes anything, and none stops the next.
 */
import { statSync } from 'node:fs';
import { type Client, connect, nearbyNodes, ProblemError } from '../engine/index.ts';
import { contextsFile, findContext, readContexts } from './contexts.ts';
import { readProjectFile } from './project-file.ts';
import { clusterKey, connectOptions, type Settings } from './settings.ts';

export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly message: string;
  readonly hint?: string;
}

/** How long one node may take to answer. */
const PATIENCE_MS = 2000;

/** A clock may be wrong by so much before it confuses whoever compares logs. */
const SKEW_MS = 5000;

export async function examine(settings: () => Promise<Settings>): Promise<readonly Check[]> {
  const checks: Check[] = [
    await check('runtime', async () => runtime()),
    await check('contexts', async () => contexts()),
    await check('project file', projectFile),
    await check('runtime directory', runtimeDirectory),
  ];
  let resolved: Settings;
  try {
    resolved = await settings();
  } catch (error) {
    return [...checks, failed('settings', error)];
  }
  checks.push(await check('key', async () => key(resolved)));
  return [...checks, ...(await nodes(resolved))];
}

async function check(name: string, look: () => Promise<Omit<Check, 'name'>>): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    return failed(name, error);
  }
}

function failed(name: string, error: unknown): Check {
  const hint = error instanceof ProblemError ? error.problem.hint : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return { name, state: 'failed', message, ...(hint !== undefined && { hint }) };
}

const ok = (message: string): Omit<Check, 'name'> => ({ message, state: 'ok' });

function warning(message: string, hint: string): Omit<Check, 'name'> {
  return { hint, message, state: 'warning' };
}

function runtime(): Omit<Check, 'name'> {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) < 26) return warning(`Node ${node}; mpreg is made for 26 and newer`, 'npm install');
  return ok(`Node ${node} on ${process.platform}-${process.arch}`);
}

function contexts(): Omit<Check, 'name'> {
  const all = readContexts();
  const count = Object.keys(all.contexts).length;
  if (count === 0) return ok('none: commands look for a node on this machine');
  const file = contextsFile();
  const mode = statSync(file).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    return warning(`${file} can be read by others (mode ${mode.toString(8)})`, `chmod 600 ${file}`);
  }
  if (all.current !== undefined) findContext(all.current, all);
  return ok(`${count}, ${all.current === undefined ? 'none in use' : `"${all.current}" in use`}`);
}

async function projectFile(): Promise<Omit<Check, 'name'>> {
  const found = await readProjectFile();
  return ok(found === undefined ? 'none in this folder or above' : found.file);
}

async function runtimeDirectory(): Promise<Omit<Check, 'name'>> {
  const { nodes, path, refusal } = await nearbyNodes();
  if (refusal !== undefined) return { hint: `ls -ld ${path}`, message: `not used: ${refusal}`, state: 'failed' };
  return ok(`${path}: ${nodes.length === 0 ? 'no nodes run here' : nodes.map(({ name }) => name).join(', ')}`);
}

function key(settings: Settings): Omit<Check, 'name'> {
  const warnings: string[] = [];
  const found = clusterKey(settings, (message) => warnings.push(message));
  if (warnings[0] !== undefined) return warning(warnings[0], `chmod 600 ${settings.keyFile}`);
  if (found === undefined) return ok('none: enough for nodes on this machine that have none either');
  if (found.length < 16) return warning(`${found.length} bytes can be guessed`, 'openssl rand -hex 32');
  return ok(settings.keyFile ?? 'from MPREG_KEY');
}

/** Each address on its own, then the mesh as the first that answers sees it. */
async function nodes(settings: Settings): Promise<readonly Check[]> {
  const chosen = settings.urls.length > 0;
  const urls = chosen ? settings.urls : (await nearbyNodes()).nodes.map(({ url }) => url);
  if (urls.length === 0) return [{ name: 'nodes', ...warning('none runs here and none is named', 'mpreg node start') }];
  const checks: Check[] = [];
  let mesh: readonly Check[] | undefined;
  for (const url of urls.slice(0, 16)) {
    const found = await check(`node ${url}`, async () => {
      const client = await connect({
        ...connectOptions(settings, () => {}),
        connectTimeoutMs: PATIENCE_MS,
        urls: [url],
      });
      try {
        mesh ??= await members(client);
        return await clock(url, client.node.name);
      } finally {
        await client.close();
      }
    });
    checks.push(found);
  }
  return [...checks, ...(mesh ?? [])];
}

async function members(client: Client): Promise<readonly Check[]> {
  const all = await client.members();
  const unwell = all.filter(({ state }) => state === 'suspect' || state === 'dead');
  const versions = [...new Set(all.flatMap(({ record }) => (record === undefined ? [] : [record.software])))].sort();
  return [
    {
      name: 'members',
      ...(unwell.length === 0
        ? ok(`${all.length}, all well`)
        : warning(unwell.map(({ name, state }) => `${name} is ${state}`).join(', '), 'mpreg cluster status')),
    },
    {
      name: 'versions',
      ...(versions.length < 2
        ? ok(versions[0] ?? 'unknown')
        : warning(`several: ${versions.join(', ')}`, 'mpreg cluster status --json')),
    },
  ];
}

/** The node's clock against ours, from the Date of its HTTP answer; its resolution is a second. */
async function clock(url: string, name: string): Promise<Omit<Check, 'name'>> {
  if (!url.startsWith('ws://')) return ok(`${name} answers`);
  const asked = Date.now();
  const response = await fetch(`${url.replace('ws:', 'http:')}/health`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const answered = Date.now();
  const theirs = Date.parse(response.headers.get('date') ?? '');
  await response.body?.cancel();
  const skew = theirs - (asked + answered) / 2;
  if (Number.isNaN(skew) || Math.abs(skew) < SKEW_MS) return ok(`${name} answers in ${answered - asked} ms`);
  const direction = skew > 0 ? 'ahead of' : 'behind';
  return warning(
    `the clock of ${name} is ${Math.round(Math.abs(skew) / 1000)} s ${direction} this one`,
    'timedatectl status',
  );
}
