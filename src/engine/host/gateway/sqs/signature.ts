/**
 * Signature Version 4 (AWS, "Create a signed AWS API request"): a request, in one canonical form, under a key that is
 * derived from the secret, the day, the region and the service. In a header, or in the URL.
 *
 * It refuses: keys that it does not know; other services; times further than `SKEW_MS_MAX` away; signatures that leave
 * out the host, the time or a header `x-amz-…`, because these say what is done; a body that was not hashed.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Digest } from '../../ports.ts';
import { SqsError } from './errors.ts';

/** Longer: clocks may differ more. Shorter: a request that was overheard can be repeated for less long. */
const SKEW_MS_MAX = 300_000;
const ALGORITHM = 'AWS4-HMAC-SHA256';

export interface SignedRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
}

/** What a signature says of itself. */
interface Claim {
  readonly id: string;
  readonly day: string;
  readonly region: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `20260101T000000Z` */
  readonly time: string;
  readonly lifeMs: number;
}

/** The region that a request says it is for; nothing is checked. */
export function claimedRegion(request: Pick<SignedRequest, 'rawHeaders' | 'url'>): string | undefined {
  const { authorization = '' } = headersOf(request.rawHeaders);
  const credential = /Credential=([^,\s]+)/.exec(authorization)?.[1];
  const [, , region] = (credential ?? queryOf(request.url).get('X-Amz-Credential') ?? '').split('/');
  return region !== undefined && /^[a-z0-9-]{1,32}$/.test(region) ? region : undefined;
}

/** Throws `SqsError` where the request is not signed by one of the keys. `secrets`: by the key's id. */
export function verify(
  request: SignedRequest,
  secrets: ReadonlyMap<string, string>,
  now: number,
  digest: Digest,
): void {
  const headers = headersOf(request.rawHeaders);
  const claim = claimOf(request, headers);
  const secret = secrets.get(claim.id);
  if (secret === undefined) {
    throw new SqsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  checkSigned(claim, headers);
  checkTime(claim, now);
  const stated = headers['x-amz-content-sha256'];
  const bodyHash = sha256(request.body);
  if (stated !== undefined && stated !== bodyHash) throw mismatch();
  const scope = `${claim.day}/${claim.region}/sqs/aws4_request`;
  const canonical = canonicalRequest(request, headers, claim.signedHeaders, bodyHash);
  const toSign = `${ALGORITHM}\n${claim.time}\n${scope}\n${sha256(canonical)}`;
  const key = ['sqs', 'aws4_request'].reduce(hmac, hmac(hmac(Buffer.from(`AWS4${secret}`), claim.day), claim.region));
  const signature = hmac(key, toSign).toString('hex');
  if (!digest.equal(Buffer.from(signature), Buffer.from(claim.signature))) throw mismatch();
}

function claimOf({ url }: SignedRequest, headers: Readonly<Record<string, string>>): Claim {
  const query = queryOf(url);
  const inHeader = /^(\S+)\s+(.+)$/.exec(headers['authorization'] ?? '');
  const algorithm = inHeader?.[1] ?? query.get('X-Amz-Algorithm');
  if (algorithm === undefined || algorithm === null) {
    throw new SqsError('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
  }
  const fields = new Map((inHeader?.[2] ?? '').split(',').map((part) => halves(part.trim())));
  const said = (name: string, inUrl: string) => (inHeader ? fields.get(name) : query.get(inUrl)) ?? '';
  const [id = '', day = '', region = '', service, end] = said('Credential', 'X-Amz-Credential').split('/');
  const claim = {
    day,
    id,
    lifeMs: inHeader ? SKEW_MS_MAX : Number(query.get('X-Amz-Expires') ?? 0) * 1000,
    region,
    signature: said('Signature', 'X-Amz-Signature'),
    signedHeaders: said('SignedHeaders', 'X-Amz-SignedHeaders').split(';'),
    time: inHeader ? (headers['x-amz-date'] ?? '') : (query.get('X-Amz-Date') ?? ''),
  };
  const whole = algorithm === ALGORITHM && end === 'aws4_request' && service === 'sqs' && claim.signature !== '';
  if (!whole || id === '' || !/^\d{8}T\d{6}Z$/.test(claim.time) || !claim.time.startsWith(day)) {
    const message = `Authorization must be ${ALGORITHM} with Credential=ID/DAY/REGION/sqs/aws4_request, SignedHeaders, Signature, and a date`;
    throw new SqsError('IncompleteSignatureException', message);
  }
  return claim;
}

function checkSigned({ signedHeaders }: Claim, headers: Readonly<Record<string, string>>): void {
  const must = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  const missed = must.find((name) => !signedHeaders.includes(name));
  if (missed !== undefined) {
    throw new SqsError('InvalidSignatureException', `'${missed}' must be a 'SignedHeader' in the request.`);
  }
}

function checkTime({ lifeMs, time }: Claim, now: number): void {
  const [, year, month, day, hour, minute, second] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(time) ?? [];
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const fits = at <= now + SKEW_MS_MAX && now <= at + Math.min(lifeMs, 7 * 86_400_000);
  if (fits) return;
  const message = `Signature expired: ${time} is too far from ${new Date(now).toISOString()}, the time here.`;
  throw new SqsError('InvalidSignatureException', message);
}

function canonicalRequest(
  { method, url }: SignedRequest,
  headers: Readonly<Record<string, string>>,
  signed: readonly string[],
  bodyHash: string,
): string {
  const path = (url.split('?')[0] || '/').split('/').map(encode).join('/');
  const query = [...queryOf(url)]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const lines = signed.map((name) => `${name}:${headers[name] ?? ''}\n`).join('');
  return [method, path, query.join('&'), lines, signed.join(';'), bodyHash].join('\n');
}

/** By lower-case name; several of one name joined by commas, white space as the canonical form has it. */
function headersOf(raw: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    const value = (raw[at + 1] ?? '').trim().replace(/ +/g, ' ');
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(headers);
}

function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

function halves(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** As RFC 3986 has it: `encodeURIComponent` leaves five characters more. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function mismatch(): SqsError {
  const message =
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.';
  return new SqsError('InvalidSignatureException', message);
}
