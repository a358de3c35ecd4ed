/**
 * Everything that can go wrong, in one catalogue: the source of wire codes, of what the command line prints, of exit
 * codes and of `mpreg errors`.
 *
 * A problem says what failed, on what, why, and what to do next. `did-not-happen` is a promise: the work certainly was
 * not done, so it may be tried again. `unknown` means that it may or may not have been done; it is retried only where
 * the call is declared idempotent.
 */

export type Happened = 'did-not-happen' | 'unknown';

/** One kind of problem. */
export interface ProblemKind {
  readonly title: string;
  readonly outcome: Happened;
  /** What to do next; its last line is a command to run, where there is one. */
  readonly hint: string;
  /** 1 failed · 2 usage · 3 no such thing · 4 not allowed · 5 nobody there · 6 unknown · 7 conflict · 8 found wanting. */
  readonly exit: number;
}

function kind(exit: number, outcome: Happened, title: string, hint: string): ProblemKind {
  return { exit, hint, outcome, title };
}

const no = 'did-not-happen';

export const PROBLEMS = {
  'function-failed': kind(
    1,
    'unknown',
    'the function threw',
    'Read its message and stack above; they come from the node that ran it.\nmpreg function list',
  ),
  'worker-died': kind(
    6,
    'unknown',
    'the worker that ran the function ended',
    'It exited, crashed or ran out of memory while the call was in flight; look at the log of its node.\nmpreg node list',
  ),
  'result-unencodable': kind(
    1,
    no,
    'the result cannot be sent',
    'Return plain data: no functions, symbols, class instances with methods, or cycles.\nmpreg errors result-unencodable',
  ),
  'result-invalid': kind(
    1,
    'unknown',
    'the function returned what its own schema does not allow',
    'It ran; its result was held back. Correct the function or its result schema.\nmpreg function list',
  ),
  'value-undecodable': kind(
    2,
    no,
    'the bytes are no value',
    'The sender must encode values as MessagePack (mpreg.v1) or JSON (mpreg.v1.json).\nmpreg errors value-undecodable',
  ),
  'usage-invalid': kind(2, no, 'the command was used wrongly', 'Look at its help.\nmpreg --help'),
  'input-invalid': kind(2, no, 'the input is not valid', 'Correct the place that the message names.\nmpreg --help'),
  'plan-invalid': kind(
    2,
    no,
    'the plan is not valid',
    'Correct what the message names; nothing was run.\nmpreg plan check --help',
  ),
  'topic-invalid': kind(
    2,
    no,
    'the topic or pattern is not valid',
    'Correct the place that the message names.\nmpreg errors topic-invalid',
  ),
  'reference-missing': kind(
    2,
    no,
    'a reference leads nowhere',
    'The value of that step has no such field; look at it with "return": "all".\nmpreg call --help',
  ),
  'file-unreadable': kind(2, no, 'a file cannot be read', 'Check its path and permissions.\nls -l'),
  'module-invalid': kind(
    2,
    no,
    'a functions file cannot be loaded',
    'It must export functions, or what defineFunction returns.\nmpreg init',
  ),
  'function-unknown': kind(
    3,
    no,
    'no node offers that function',
    'Check its name, or start a node that has it.\nmpreg function list',
  ),
  'resource-unknown': kind(
    3,
    no,
    'no node offers that function together with those resources',
    'Ask for fewer resources, or start a node that has them all.\nmpreg function list',
  ),
  'keep-unknown': kind(
    3,
    no,
    'nothing of that topic is kept',
    'Keep it first, or look at what is kept.\nmpreg topic info',
  ),
  'alert-unknown': kind(3, no, 'no such alert fires', 'Look at those that do.\nmpreg federation alerts list'),
  'keeper-away': kind(
    5,
    no,
    'the node that keeps the topic is out of reach',
    'Start it again, or have another node keep the same topics.\nmpreg topic info',
  ),
  'message-unknown': kind(3, no, 'no such message', 'Look at those that wait.\nmpreg topic scheduled'),
  'node-unknown': kind(3, no, 'no such node', 'Use a name or an id from the list of nodes.\nmpreg node list'),
  'cluster-unknown': kind(
    3,
    no,
    'no such cluster',
    'Use the id of a cluster, or a region, that the hubs know of.\nmpreg federation discover',
  ),
  'context-unknown': kind(3, no, 'no such context', 'Add it first.\nmpreg context list'),
  'queue-unknown': kind(3, no, 'no such queue', 'Check its name, or create it.\nmpreg queue list'),
  'code-unknown': kind(3, no, 'no such problem code', 'Look at all of them.\nmpreg errors'),
  'not-here': kind(
    1,
    no,
    'the function is no longer on that node',
    'It was there a moment ago; the mesh tries another node by itself.\nmpreg function list',
  ),
  'key-missing': kind(
    4,
    no,
    'this cluster wants a key',
    'Give the key that its nodes were started with, in a file or in the environment.\nexport MPREG_KEY_FILE=path/to/key',
  ),
  'key-wrong': kind(
    4,
    no,
    'the key is not that of the cluster',
    'Both sides must have the same key.\nexport MPREG_KEY_FILE=path/to/key',
  ),
  'cluster-wrong': kind(
    4,
    no,
    'that node belongs to another cluster',
    'Start this node with the same --cluster, or give it other peers.\nmpreg node start --help',
  ),
  'not-allowed': kind(4, no, 'not allowed', 'Ask as somebody who may do this.\nmpreg context show'),
  'node-died': kind(
    1,
    no,
    'a node that was started here ended by itself',
    'Its last lines are above; start it alone to look closer.\nmpreg node start --help',
  ),
  'bind-refused': kind(
    4,
    no,
    'without a key a node listens on loopback only',
    'Give it a key first.\nmpreg node start --key-file path/to/key --host 0.0.0.0',
  ),
  'confirmation-missing': kind(
    2,
    no,
    'this needs a confirmation',
    'Run it on a terminal, or confirm it with the flag that the message names.\nmpreg --help',
  ),
  'nobody-there': kind(
    5,
    no,
    'no node can be reached',
    'Start one here, or say where one is with --url.\nmpreg node start',
  ),
  'hub-missing': kind(
    5,
    no,
    'no node of this cluster is a hub',
    'Only hubs reach other clusters. Start one in this cluster.\nmpreg node start --hub',
  ),
  'no-responders': kind(
    5,
    no,
    'nobody listens who could reply',
    'Start what answers on that topic, or check its name.\nmpreg topic list',
  ),
  'link-lost': kind(
    6,
    'unknown',
    'the connection broke after the call was sent',
    'It may have run. Declare the function idempotent to have such calls repeated.\nmpreg cluster status',
  ),
  'value-lost': kind(
    6,
    no,
    'the value of a step is gone',
    'The node that made it ended before it was needed. Declare the function idempotent to have it made again.\nmpreg cluster status',
  ),
  'node-stopping': kind(
    5,
    no,
    'the node is stopping',
    'It finishes what it has begun and takes nothing new; ask another.\nmpreg cluster status',
  ),
  overloaded: kind(
    1,
    no,
    'too much is waiting already',
    'Try again later, add a node, or raise the limit that the message names.\nmpreg cluster status',
  ),
  'timed-out': kind(
    6,
    'unknown',
    'no answer in time',
    'It may still have run. Allow more time with --timeout.\nmpreg cluster status',
  ),
  'timed-out-before-start': kind(
    1,
    no,
    'the time was up before it began',
    'Allow more time with --timeout.\nmpreg cluster status',
  ),
  cancelled: kind(
    6,
    'unknown',
    'cancelled',
    'Whoever asked went away or took it back; it may have run in part.\nmpreg cluster status',
  ),
  interrupted: kind(130, 'unknown', 'interrupted', 'You stopped it.\nmpreg cluster status'),
  'protocol-violated': kind(
    1,
    no,
    'the other side does not keep the protocol',
    'Check that it is an mpreg node or client of a version that this one knows.\nmpreg version',
  ),
  'version-unsupported': kind(
    1,
    no,
    'no protocol version in common',
    'Bring the older side up to date.\nmpreg version',
  ),
  'limit-exceeded': kind(
    1,
    no,
    'over a limit',
    'Send less at once, or raise the limit that the message names.\nmpreg node start --help',
  ),
  'queue-full': kind(
    1,
    no,
    'the queue is full',
    'Nothing was stored. Send again when consumers have made room, or raise the limit that the message names.\nmpreg queue list',
  ),
  'queue-moving': kind(
    1,
    no,
    'the queue is moving to another node',
    'Nothing was done. Try again in a moment.\nmpreg queue info --help',
  ),
  'lease-lost': kind(
    7,
    no,
    'the message is not yours (any more)',
    'Nothing was changed. Take more time with a longer visibility, or extend the lease while you work.\nmpreg queue receive --help',
  ),
  'consumers-too-few': kind(
    5,
    no,
    'too few consumers are subscribed',
    'Nothing was stored. Subscribe more consumers, or ask for fewer acknowledgements.\nmpreg queue info --help',
  ),
  'address-in-use': kind(
    7,
    no,
    'the port is taken',
    'Choose another port, or leave --port away to have one chosen.\nmpreg node start --port 0',
  ),
  'data-in-use': kind(
    7,
    no,
    'another node uses that data directory',
    'Give each node a directory of its own.\nmpreg node start --data-dir path/to/other',
  ),
  'exists-already': kind(7, no, 'it exists already', 'Choose another name, or overwrite it on purpose.\nmpreg --help'),
  'store-corrupt': kind(
    1,
    no,
    'the data directory is damaged',
    'Nothing was changed. Restore it from a copy, or start with an empty one.\nmpreg doctor',
  ),
  'store-failed': kind(
    1,
    no,
    'the disk refused',
    'Nothing is acknowledged that was not stored. Check space and permissions.\ndf -h',
  ),
  'found-wanting': kind(8, no, 'checked and found wanting', 'The lines above say what and why.\nmpreg doctor'),
  'unsafe-simulation': kind(
    20,
    no,
    'the simulation broke a law of safety',
    'Repeat it with the seed shown.\nmpreg sim run --help',
  ),
  'stuck-simulation': kind(
    21,
    no,
    'the simulation did not settle',
    'Repeat it with the seed shown.\nmpreg sim run --help',
  ),
  'crashed-simulation': kind(22, no, 'the simulation crashed', 'Repeat it with the seed shown.\nmpreg sim run --help'),
  internal: kind(
    1,
    'unknown',
    'a bug in mpreg',
    'Please report it with the message and the stack above.\nmpreg doctor',
  ),
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** The error that a function threw, as it travels: what a local one would show. */
export interface Cause {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** One thing that went wrong. Plain data: it crosses the wire as it is. */
export interface Problem {
  /** A code of the catalogue; a newer node may send one that this node does not know. */
  readonly code: ProblemCode | (string & {});
  /** What failed, on what, and why: one sentence. */
  readonly message: string;
  /** In place of the catalogue's hint. */
  readonly hint?: string;
  /** In place of the catalogue's outcome; set by the node that knows better. */
  readonly outcome?: Happened;
  /** The name of the node that found it, and its cluster, where that is another. */
  readonly node?: string;
  readonly cluster?: string;
  readonly fun?: string;
  readonly step?: string;
  /** Where in the input: `steps[2].args[0]`. */
  readonly path?: string;
  readonly cause?: Cause;
  /** Between nodes: it may be otherwise in a moment, for who says so has just begun, or has just lost a way. */
  readonly soon?: true;
}

export type ProblemDetails = Omit<Problem, 'code' | 'message'>;

/** A problem of a known kind. `message` says what failed, on what, and why. */
export function problem(code: ProblemCode, message: string, details: ProblemDetails = {}): Problem {
  return { code, message, ...details };
}

/** The kind of a problem; for a code of a newer version, one that promises nothing. */
export function kindOf(p: Problem): ProblemKind {
  return Object.hasOwn(PROBLEMS, p.code)
    ? PROBLEMS[p.code as ProblemCode]
    : kind(1, p.outcome ?? 'unknown', p.code, 'This version of mpreg does not know that code.\nmpreg version');
}

/** The exit code of a command that ends with a problem: 5 promises that nothing happened, so 6 where that is not known. */
export function exitOf(p: Problem): number {
  const { exit } = kindOf(p);
  return exit === 5 && !didNotHappen(p) ? 6 : exit;
}

/** Whether the work certainly was not done. */
export function didNotHappen(p: Problem): boolean {
  return (p.outcome ?? kindOf(p).outcome) === 'did-not-happen';
}
