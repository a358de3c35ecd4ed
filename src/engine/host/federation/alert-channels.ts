/**
 * The ways out for alerts: the log, a command, a webhook, Slack.
 *
 * A delivery has a time limit and is tried again after growing pauses. It resolves when the other side has taken it and
 * rejects with the last reason when no attempt succeeded; it never throws anything else at the node.
 *
 * Why a command runs only where the hub's start allows it: the configuration comes over the network, and whoever may send one
 * should not thereby be able to run anything on the hub's machine.
 */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { AlertChannel } from '../../core/federation/alerting.ts';
import type { Log } from '../node-host.ts';
import { type AlertMessage, alertLine, slackBody } from './alert-message.ts';

export interface AlertChannelParts {
  readonly log: Log;
  readonly commandsAllowed: boolean;
  /** Ends all attempts. */
  readonly signal: AbortSignal;
  /** The first pause before another attempt; then twice as long each time. */
  readonly retryMs?: number;
}

const TIMEOUT_MS = 10_000;
const RETRIES = 3;
const RETRY_MS = 500;
const RETRY_MS_MAX = 15_000;
/** Of what a command or a server answers to say what is wrong. */
const ANSWER_MAX = 2_000;

export async function deliver(channel: AlertChannel, message: AlertMessage, parts: AlertChannelParts): Promise<void> {
  const { retries = RETRIES, timeoutMs = TIMEOUT_MS } = channel;
  const { retryMs = RETRY_MS, signal } = parts;
  for (let attempt = 0; ; attempt++) {
    try {
      return await once(channel, message, parts, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    } catch (error) {
      const late = error instanceof Error && error.name === 'TimeoutError';
      const reason = late ? new Error(`no end after ${timeoutMs} ms`) : (error as Error);
      if (attempt >= retries || reason instanceof Refusal || signal.aborted) throw reason;
      await pause(Math.min(RETRY_MS_MAX, retryMs * 2 ** attempt), undefined, { signal });
    }
  }
}

/** What another attempt would not change. */
class Refusal extends Error {
  override readonly name = 'Refusal';
}

async function once(
  channel: AlertChannel,
  message: AlertMessage,
  { commandsAllowed, log }: AlertChannelParts,
  signal: AbortSignal,
): Promise<void> {
  switch (channel.kind) {
    case 'console':
      return say(message, log);
    case 'command':
      if (!commandsAllowed) throw new Refusal('commands are not allowed here: start the hub with --alert-commands');
      return run(channel.argv, message, signal);
    case 'webhook':
      return post(channel.url, message, channel.headers ?? {}, signal);
    case 'slack':
      return post(channel.url, slackBody(message), {}, signal);
  }
}

function say({ alerts, change, more, severity, title }: AlertMessage, log: Log): void {
  const level = change === 'resolved' || severity === 'info' ? 'info' : severity === 'warning' ? 'warn' : 'error';
  const lines = alerts.map((alert) => `${alert.id}: ${alertLine(alert)}`);
  log(level, `alert ${title}`, { alerts: more === 0 ? lines : [...lines, `and ${more} more`] });
}

/** Rejects where it cannot be started, ends with another code than 0, or not in time: then it is killed. */
function run(argv: readonly string[], message: AlertMessage, signal: AbortSignal): Promise<void> {
  const [command = '', ...words] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      shell: false,
      signal,
      killSignal: 'SIGKILL',
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-ANSWER_MAX);
    });
    child.on('error', (error) => reject(signal.aborted ? signal.reason : error));
    child.on('close', (code, killedBy) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${code ?? killedBy}${said === '' ? '' : `: ${said.trim()}`}`));
    });
    child.stdin.on('error', () => undefined); // a command need not read what it is given
    child.stdin.end(`${JSON.stringify(message)}\n`);
  });
}

async function post(
  url: string,
  body: object,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(url, {
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    method: 'POST',
    redirect: 'error',
    signal,
  }).catch((error: Error) => {
    throw error.cause instanceof Error && error.name === 'TypeError' ? error.cause : error;
  });
  const answer = (await response.text()).slice(0, ANSWER_MAX).trim();
  if (response.ok) return;
  const { host } = new URL(url);
  const why = `${host} answered ${response.status}${answer === '' ? '' : `: ${answer}`}`;
  const again = response.status >= 500 || [408, 425, 429].includes(response.status);
  throw again ? new Error(why) : new Refusal(why);
}
