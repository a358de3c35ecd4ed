/** What is wrong with rules and channels for alerts that somebody sent: each fault with its path. Trusts nothing but JSON. */
import { ALERT_COMPARISONS, ALERT_METRICS, ALERT_SEVERITIES } from './alerting.ts';

export interface AlertingFault {
  /** `rules[2].metric`. */
  readonly path: string;
  readonly says: string;
}

/** Limits: rules and channels of one cluster. */
const RULES_MAX = 200;
const CHANNELS_MAX = 50;
const TIMEOUT_MS_MAX = 300_000;
const RETRIES_MAX = 10;

export function alertingFaults(given: unknown): readonly AlertingFault[] {
  const faults: AlertingFault[] = [];
  const { channels, groupMs, repeatMs, rules, ...more } = fieldsOf(given);
  const check = checker(faults);
  check.nothingElse(more, '');
  check.optionalAmount(groupMs, 'groupMs');
  check.optionalAmount(repeatMs, 'repeatMs');
  const known = check.list(channels, 'channels', CHANNELS_MAX).map((channel, at) => {
    checkChannel(fieldsOf(channel), `channels[${at}]`, check);
    return fieldsOf(channel)['name'];
  });
  const names = check.list(rules, 'rules', RULES_MAX).map((rule, at) => {
    checkRule(fieldsOf(rule), `rules[${at}]`, known, check);
    return fieldsOf(rule)['name'];
  });
  check.unique(known, 'channels');
  check.unique(names, 'rules');
  return faults;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(given: unknown): Fields {
  return typeof given === 'object' && given !== null && !Array.isArray(given) ? (given as Fields) : {};
}

function checkRule(rule: Fields, at: string, channels: readonly unknown[], check: Checker): void {
  const { channels: told, clusters, comparison, forMs, metric, name, severity, threshold, ...more } = rule;
  check.nothingElse(more, at);
  check.text(name, `${at}.name`);
  check.oneOf(metric, Object.keys(ALERT_METRICS), `${at}.metric`);
  check.oneOf(comparison, ALERT_COMPARISONS, `${at}.comparison`);
  check.oneOf(severity, ALERT_SEVERITIES, `${at}.severity`);
  if (typeof threshold !== 'number' || !Number.isFinite(threshold)) check.fault(`${at}.threshold`, 'must be a number');
  check.optionalAmount(forMs, `${at}.forMs`);
  if (clusters !== undefined) check.texts(clusters, `${at}.clusters`);
  if (told === undefined) return;
  check.texts(told, `${at}.channels`).forEach((channel, index) => {
    if (!channels.includes(channel)) check.fault(`${at}.channels[${index}]`, `there is no channel ${show(channel)}`);
  });
}

function checkChannel(channel: Fields, at: string, check: Checker): void {
  const { argv, headers, kind, name, perMinuteMax, retries, timeoutMs, url, ...more } = channel;
  check.nothingElse(more, at);
  check.text(name, `${at}.name`);
  check.oneOf(kind, ['console', 'command', 'webhook', 'slack'], `${at}.kind`);
  check.optionalAmount(perMinuteMax, `${at}.perMinuteMax`, 1);
  check.optionalAmount(timeoutMs, `${at}.timeoutMs`, 1, TIMEOUT_MS_MAX);
  check.optionalAmount(retries, `${at}.retries`, 0, RETRIES_MAX);
  if (kind === 'command' && check.texts(argv, `${at}.argv`).length === 0) check.fault(`${at}.argv`, 'names no command');
  if (kind !== 'command' && argv !== undefined) check.fault(`${at}.argv`, 'is only for the kind command');
  const posts = kind === 'webhook' || kind === 'slack';
  if (posts && !(typeof url === 'string' && /^https?:\/\/[^/\s]/.test(url))) {
    check.fault(`${at}.url`, 'must be a URL that begins with http:// or https://');
  }
  if (!posts && url !== undefined) check.fault(`${at}.url`, 'is only for the kinds webhook and slack');
  if (headers === undefined) return;
  if (kind !== 'webhook') check.fault(`${at}.headers`, 'are only for the kind webhook');
  for (const [header, value] of Object.entries(fieldsOf(headers))) {
    if (typeof value !== 'string' || /[\r\n]/.test(value) || !/^[\w-]+$/.test(header)) {
      check.fault(`${at}.headers.${header}`, 'must be a header of HTTP with a text');
    }
  }
}

type Checker = ReturnType<typeof checker>;

function checker(faults: AlertingFault[]) {
  const fault = (path: string, says: string): void => void faults.push({ path, says });
  const list = (given: unknown, path: string, max = Number.POSITIVE_INFINITY): readonly unknown[] => {
    if (!Array.isArray(given)) fault(path, 'must be a list');
    else if (given.length > max) fault(path, `has ${given.length} entries; at most ${max}`);
    return Array.isArray(given) ? given.slice(0, max) : [];
  };
  const text = (given: unknown, path: string): void => {
    if (typeof given !== 'string' || given === '') fault(path, 'must be a text');
  };
  return {
    fault,
    list,
    nothingElse(more: Fields, path: string): void {
      for (const name of Object.keys(more)) fault(path === '' ? name : `${path}.${name}`, 'is not known here');
    },
    oneOf(given: unknown, options: readonly string[], path: string): void {
      if (!options.some((one) => one === given)) fault(path, `${show(given)} is none of ${options.join(', ')}`);
    },
    optionalAmount(given: unknown, path: string, min = 0, max = Number.MAX_SAFE_INTEGER): void {
      if (given === undefined || (Number.isSafeInteger(given) && Number(given) >= min && Number(given) <= max)) return;
      const limit = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
      fault(path, `must be a whole number ${limit}`);
    },
    text,
    texts(given: unknown, path: string): readonly unknown[] {
      const all = list(given, path);
      for (const [at, one] of all.entries()) text(one, `${path}[${at}]`);
      return all;
    },
    unique(names: readonly unknown[], path: string): void {
      const twice = names.find((name, at) => names.indexOf(name) < at);
      if (twice !== undefined) fault(path, `${show(twice)} stands there twice`);
    },
  };
}

function show(given: unknown): string {
  return JSON.stringify(given) ?? 'nothing';
}
