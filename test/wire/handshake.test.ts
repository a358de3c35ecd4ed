import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Peer } from '../../src/engine/core/links/messages.ts';
import { codecOf } from '../../src/engine/wire/codecs.ts';
import type { HandshakeMessage } from '../../src/engine/wire/handshake.ts';
import {
  Acceptor,
  type AcceptorOptions,
  Dialler,
  type DiallerOptions,
  type HandshakeStep,
} from '../../src/engine/wire/handshake-sides.ts';
import { type HandshakeDigest, type Hello, type Join, proofText } from '../../src/engine/wire/proof.ts';
import { DEFAULT_LIMITS, type WireMessage } from '../../src/engine/wire/wire.ts';

const key = Buffer.from('one key for all');
const wrong = Buffer.from('another key');
const nonce = (byte: number): string => Buffer.alloc(32, byte).toString('base64url');
const peer: Peer = { address: 'ws://b:2', id: 'B', name: 'beta', role: 'peer' };
const client: Peer = { name: 'tool', role: 'client' };

let comparisons = 0;
const digest: HandshakeDigest = {
  equal: (a, b) => {
    comparisons++;
    return Buffer.from(a).equals(b);
  },
  hmac: (secret, text) => createHmac('sha256', secret).update(text, 'utf8').digest(),
};

const acceptor = (options: Partial<AcceptorOptions> = {}): Acceptor =>
  new Acceptor({
    cluster: 'blue',
    digest,
    frameBytesMax: 50_000,
    json: false,
    node: { id: 'A', name: 'alpha' },
    nonce: nonce(1),
    ...options,
  });

const dialler = (options: Partial<DiallerOptions> = {}): Dialler =>
  new Dialler({
    address: 'ws://a:1',
    cluster: 'blue',
    digest,
    frameBytesMax: 40_000,
    nonce: nonce(2),
    peer,
    ...options,
  });

/** What goes over the wire arrives as a decoder makes it. */
function sent(message: HandshakeMessage): WireMessage {
  const batch = codecOf('mpreg.v1').batch(DEFAULT_LIMITS);
  batch.add(message);
  const outcome = codecOf('mpreg.v1').decode(batch.take() ?? '', DEFAULT_LIMITS);
  if (!outcome.ok) throw new Error(outcome.problem.message);
  return outcome.value[0] as WireMessage;
}

function reply(step: HandshakeStep): HandshakeMessage {
  if (step.reply === undefined) throw new Error(`${step.kind} says nothing: ${JSON.stringify(step)}`);
  return step.reply;
}

/** Lets both talk until one has nothing to say. Last steps of both; undefined where a side was never asked. */
function talk(a: Acceptor, d: Dialler): { accepted?: HandshakeStep; dialled: HandshakeStep } {
  const joined = d.receive(sent(a.begin()));
  if (joined.reply === undefined) return { dialled: joined };
  const accepted = a.receive(sent(joined.reply));
  return { accepted, dialled: d.receive(sent(reply(accepted))) };
}

describe('two that agree', () => {
  it.each([
    ['without a key', undefined],
    ['with the same key', key],
  ])('%s are done, and know each other', (_, secret) => {
    const having = secret === undefined ? {} : { key: secret };
    const { accepted, dialled } = talk(acceptor(having), dialler(having));
    expect(accepted).toMatchObject({ cluster: 'blue', frameBytesMax: 40_000, kind: 'done', peer, version: 1 });
    expect(dialled).toMatchObject({
      cluster: 'blue',
      frameBytesMax: 40_000,
      kind: 'done',
      peer: { address: 'ws://a:1', id: 'A', name: 'alpha', role: 'peer' },
      version: 1,
    });
  });

  it('compare proofs in constant time, one on each side', () => {
    comparisons = 0;
    talk(acceptor({ key }), dialler({ key }));
    expect(comparisons).toBe(2);
  });

  it('a client that names no cluster is let in anywhere', () => {
    const { cluster: _, ...options } = {
      address: 'ws://a:1',
      cluster: '',
      digest,
      frameBytesMax: 40_000,
      nonce: nonce(2),
    };
    const { accepted } = talk(acceptor(), new Dialler({ ...options, peer: client }));
    expect(accepted).toMatchObject({ cluster: '', kind: 'done', peer: client });
  });
});

describe('two that do not agree', () => {
  it.each<[string, Partial<AcceptorOptions>, Partial<DiallerOptions>, string]>([
    ['a dialler without the key', { key }, {}, 'key-missing'],
    ['a dialler with another key', { key }, { key: wrong }, 'key-wrong'],
    ['an acceptor without a key, where the dialler has one', {}, { key }, 'key-wrong'],
    ['a peer of another cluster', {}, { cluster: 'red' }, 'cluster-wrong'],
    ['a client that names another cluster', {}, { cluster: 'red', peer: client }, 'cluster-wrong'],
    ['a nonce that is too short', { nonce: 'AAAA' }, {}, 'protocol-violated'],
    ['a nonce that is the other one', { nonce: nonce(2) }, {}, 'protocol-violated'],
    ['an acceptor that takes only tiny frames', { frameBytesMax: 10 }, {}, 'protocol-violated'],
  ])('%s: the dialler says so', (_, accepting, dialling, code) => {
    const { dialled } = talk(acceptor(accepting), dialler(dialling));
    expect(dialled).toMatchObject({ kind: 'refuse', problem: { code } });
  });

  const join: Join = {
    cluster: 'blue',
    frameBytesMax: 9_000,
    kind: 'join',
    nonce: nonce(3),
    peer,
    version: 1,
  };
  it.each<[string, Partial<AcceptorOptions>, WireMessage, string]>([
    ['a version that it does not speak', {}, { ...join, version: 2 }, 'version-unsupported'],
    ['no proof', { key }, join, 'key-missing'],
    ['a proof that is nonsense', { key }, { ...join, proof: 'AAAA' }, 'key-wrong'],
    ['another cluster', {}, { ...join, cluster: 'red' }, 'cluster-wrong'],
    ['a peer without a cluster', {}, { ...join, cluster: '' }, 'cluster-wrong'],
    ['a client that names another cluster', {}, { ...join, cluster: 'red', peer: client }, 'cluster-wrong'],
    ['its own nonce', {}, { ...join, nonce: nonce(1) }, 'protocol-violated'],
    ['tiny frames', {}, { ...join, frameBytesMax: 9 }, 'protocol-violated'],
    ['something else than join', {}, { kind: 'beat', reply: false }, 'protocol-violated'],
    ['another hello', {}, acceptor().begin(), 'protocol-violated'],
    [
      'something else than join in JSON, where a key is wanted',
      { json: true, key },
      { kind: 'nack', seq: 1 },
      'key-missing',
    ],
  ])('the acceptor refuses %s, and says why', (_, options, message, code) => {
    const step = acceptor(options).receive(message);
    expect(step).toMatchObject({ kind: 'refuse', problem: { code }, reply: { kind: 'refused', problem: { code } } });
  });

  it('the dialler finds no common version', () => {
    const hello = { ...(acceptor().begin() as Hello), versions: [7, 8] };
    expect(dialler().receive(hello)).toMatchObject({ problem: { code: 'version-unsupported' } });
  });

  it('a dialler refuses what comes out of turn', () => {
    expect(dialler().receive({ kind: 'welcome' })).toMatchObject({ problem: { code: 'protocol-violated' } });
    const d = dialler();
    d.receive(acceptor().begin());
    expect(d.receive(acceptor().begin())).toMatchObject({ problem: { code: 'protocol-violated' } });
  });

  it('nothing is given to a side that is done', () => {
    const a = acceptor();
    a.receive(join);
    expect(() => a.receive(join)).toThrow(/over/);
  });
});

describe('two hubs', () => {
  const red = { address: 'ws://b:2', cluster: 'red', id: 'B', name: 'beta', role: 'hub' } as const;
  const anybody = () => undefined;
  const nobody = () => ({ hint: 'Add it.\nmpreg federation link add red', message: 'has no bridge to it' });
  const hub = (options: Partial<DiallerOptions> = {}) =>
    dialler({ bridges: anybody, cluster: 'red', peer: red, ...options });

  it.each([
    ['without a key', undefined],
    ['with the same key', key],
  ])('of different clusters meet %s, and know each other’s clusters', (_, secret) => {
    const having = { bridges: anybody, ...(secret === undefined ? {} : { key: secret }) };
    const { accepted, dialled } = talk(acceptor(having), hub(having));
    expect(accepted).toMatchObject({ cluster: 'red', kind: 'done', peer: red });
    expect(dialled).toMatchObject({
      cluster: 'blue',
      kind: 'done',
      peer: { address: 'ws://a:1', cluster: 'blue', id: 'A', name: 'alpha', role: 'hub' },
    });
  });

  it.each<[string, Partial<AcceptorOptions>, Partial<DiallerOptions>, RegExp]>([
    ['whose acceptor is no hub', {}, {}, /alpha of cluster blue is no hub/],
    ['of one cluster', { bridges: anybody, cluster: 'red' }, {}, /both hubs are of cluster red/],
    [
      'whose dialler has no such bridge',
      { bridges: anybody },
      { bridges: nobody },
      /beta of cluster red has no bridge/,
    ],
    ['whose acceptor has no such bridge', { bridges: nobody }, {}, /alpha of cluster blue has no bridge/],
  ])('%s do not meet', (_, accepting, dialling, says) => {
    const { dialled } = talk(acceptor(accepting), hub(dialling));
    expect(dialled).toMatchObject({
      kind: 'refuse',
      problem: {
        code: 'cluster-wrong',
        hint: expect.any(String) as string,
        message: expect.stringMatching(says) as string,
      },
    });
  });

  const join: Join = { cluster: 'red', frameBytesMax: 9_000, kind: 'join', nonce: nonce(3), peer: red, version: 1 };
  it.each<[string, Partial<AcceptorOptions>, Join, string]>([
    ['calls itself a hub, where the node is none', {}, join, 'cluster-wrong'],
    ['has no bridge', { bridges: nobody }, join, 'cluster-wrong'],
    ['names two clusters', { bridges: anybody }, { ...join, peer: { ...red, cluster: 'green' } }, 'protocol-violated'],
    [
      'says as a hub that it is of the acceptor’s cluster',
      { bridges: anybody },
      { ...join, cluster: 'blue', peer: { ...red, cluster: 'blue' } },
      'cluster-wrong',
    ],
    ['has not the key', { bridges: anybody, key }, join, 'key-missing'],
    ['is of another cluster, and comes as a member', { bridges: anybody }, { ...join, peer }, 'cluster-wrong'],
  ])('an acceptor refuses one that %s', (_, options, message, code) => {
    expect(acceptor(options).receive(sent(message))).toMatchObject({ kind: 'refuse', problem: { code } });
  });

  it.each<[string, Partial<Join>]>([
    ['the role', { peer }],
    ['the id', { peer: { ...red, id: 'C' } }],
    ['the address', { peer: { ...red, address: 'ws://evil:1' } }],
    ['the cluster', { cluster: 'green', peer: { ...red, cluster: 'green' } }],
  ])('are not deceived by somebody in between who changes %s', (_, change) => {
    const a = acceptor({ bridges: anybody, key });
    const honest = reply(hub({ key }).receive(sent(a.begin()))) as Join;
    expect(a.receive({ ...honest, ...change })).toMatchObject({ problem: { code: 'key-wrong' } });
  });
});

describe('somebody in between who has no key', () => {
  const honest = (): { hello: Hello; join: Join; welcome: HandshakeMessage } => {
    const [a, d] = [acceptor({ key }), dialler({ key })];
    const hello = a.begin() as Hello;
    const join = reply(d.receive(hello)) as Join;
    return { hello, join, welcome: reply(a.receive(join)) };
  };

  it('cannot use a proof again', () => {
    const { join } = honest();
    expect(acceptor({ key, nonce: nonce(9) }).receive(join)).toMatchObject({ problem: { code: 'key-wrong' } });
  });

  it('cannot send a proof back to the one who made it', () => {
    const d = dialler({ key });
    const { proof } = reply(d.receive(acceptor({ key }).begin())) as Join;
    expect(d.receive({ kind: 'welcome', ...(proof === undefined ? {} : { proof }) })).toMatchObject({
      problem: { code: 'key-wrong' },
    });
  });

  it('cannot leave the acceptor’s proof away', () => {
    const d = dialler({ key });
    d.receive(acceptor({ key }).begin());
    expect(d.receive({ kind: 'welcome' })).toMatchObject({ problem: { code: 'key-wrong' } });
  });

  it('cannot tell the dialler that no key is wanted', () => {
    const hello = { ...(acceptor({ key }).begin() as Hello), auth: 'none' as const };
    expect(dialler({ key }).receive(hello)).toMatchObject({ kind: 'refuse', problem: { code: 'key-wrong' } });
  });

  it.each<[string, Partial<Join>]>([
    ['the role', { peer: client }],
    ['the id', { peer: { ...peer, id: 'C' } }],
    ['the name', { peer: { ...peer, name: 'gamma' } }],
    ['the address', { peer: { ...peer, address: 'ws://evil:1' } }],
    ['the limit', { frameBytesMax: 5_000 }],
    ['the nonce', { nonce: nonce(7) }],
  ])('cannot change %s of the dialler', (_, change) => {
    const a = acceptor({ key });
    const join = reply(dialler({ key }).receive(a.begin())) as Join;
    expect(a.receive({ ...join, ...change })).toMatchObject({ problem: { code: 'key-wrong' } });
  });

  it.each<[string, Partial<Hello>]>([
    ['the name', { node: { cluster: 'blue', id: 'A', name: 'evil' } }],
    ['the versions', { versions: [1, 0] }],
    ['the limit', { frameBytesMax: 4_096 }],
  ])('cannot change %s of the acceptor', (_, change) => {
    const a = acceptor({ key });
    const join = reply(dialler({ key }).receive({ ...(a.begin() as Hello), ...change })) as Join;
    expect(a.receive(join)).toMatchObject({ problem: { code: 'key-wrong' } });
  });

  it('finds no two transcripts with the same text', () => {
    const { hello, join } = honest();
    const shifted: Join = { ...join, peer: { ...peer, address: '', name: `${peer.name}8:${peer.address}` } };
    expect(proofText('dialler', hello, shifted)).not.toBe(proofText('dialler', hello, join));
    expect(proofText('dialler', hello, join)).not.toBe(proofText('acceptor', hello, join));
  });
});

describe('a client that speaks JSON, where no key is wanted', () => {
  it('may begin at once, and its first frame is not lost', () => {
    const first: WireMessage = { kind: 'nack', seq: 4 };
    expect(acceptor({ json: true }).receive(first)).toMatchObject({
      kind: 'done',
      peer: { name: 'anonymous', role: 'client' },
      unread: first,
    });
  });

  it('may also say who it is', () => {
    const step = dialler({ peer: client }).receive(acceptor({ json: true }).begin());
    expect(acceptor({ json: true }).receive(reply(step))).toMatchObject({ kind: 'done', peer: client });
  });
});
