/**
 * The tables of queues in a file, and all that is asked of them.
 *
 *     messages     what was sent: written once, removed once          ids: queue number · 2⁴³ + the queue's own id
 *     runs         plain messages that were sent together, in one row (`packed-run.ts`), by the id of the first
 *     states       what became of it since: leased, parked, received before; most messages never have one
 *     groups       of a fifo queue: which message of each group is next
 *     deliveries, copies    of messages for several: acknowledgements that are needed, and who owes one
 *
 * A row of `messages` is in the order of its id, so what is next is read from one place; a message costs one row written
 * and one removed. What is seldom is in indexes that hold nothing else: priorities, groups, own times to live.
 *
 * Limit: 2²⁰ queues ever made, 2⁴³ messages of each.
 */

/** The highest id of a message. */
export const ID_MAX = 2 ** 43 - 1;

/** Two values: queue and id. */
const ID = '((? << 43) | ?)';
const SEQ = (table: string) => `(${table}.id & ${ID_MAX})`;
const MESSAGE = `${SEQ('m')}, m.rank, m.bytes, m.sentAt, m.expiresAt, m.grp, m.about, m.dead`;
const STATE = 's.due, s.token, s.leaseUntil, s.consumer, s.receives, s.firstAt, s.history';
const ROW = `${MESSAGE}, ${STATE}`;
const FROM = 'from messages m left join states s on s.id = m.id';
/** Everything of one queue: one value, twice. */
const OF = (column: string) => `${column} >= (? << 43) and ${column} < ((? + 1) << 43)`;
/** What few messages have, as one text: all of `ROW` apart from id, size and time; null where there is nothing. */
const UNUSUAL = `case when coalesce(m.rank, m.expiresAt, m.grp, m.about, m.dead, s.id) is not null
  then json_array(m.rank, m.expiresAt, m.grp, m.about, m.dead, ${STATE}) end`;
/** Larger contents are read when they are received. Trade-off: more are read twice, or for nothing, where few are received. */
const READ_ALONG_BYTES_MAX = 1_024;
const FREE = 's.due is null and s.token is null';

export const QUEUE_SCHEMA = `
  create table queues (queue integer primary key autoincrement, name text unique not null, options text not null,
    createdAt integer not null, changedAt integer not null, counts text, job text) strict;
  create table messages (id integer primary key, rank integer, bytes integer not null, sentAt integer not null,
    expiresAt integer, grp text, several integer, about text, dead text, content blob not null) strict;
  create index byRank on messages (id >> 43, rank) where rank is not null;
  create index byGroup on messages (id >> 43, grp) where grp is not null;
  create index byExpiry on messages (id >> 43, expiresAt) where expiresAt is not null;
  create table states (id integer primary key, due integer, token integer, leaseUntil integer, consumer text,
    receives integer not null, firstAt integer, history text) strict;
  create index byDue on states (id >> 43, due) where due is not null and token is null;
  create index byToken on states (id >> 43) where token is not null;
  create table groups (queue integer not null, name text not null, head integer, primary key (queue, name))
    strict, without rowid;
  create index byHead on groups (queue, head);
  create table deliveries (id integer primary key, needed integer not null) strict;
  create table copies (id integer primary key, message integer not null, consumer text not null) strict;
  create table dedupe (queue integer not null, key text not null, seq integer not null, until integer not null,
    primary key (queue, key)) strict, without rowid;
  create index byUntil on dedupe (queue, until);
  create table consumers (queue integer not null, name text not null, primary key (queue, name)) strict, without rowid;
  create trigger delivered after delete on messages when old.several is not null
    begin delete from deliveries where id = old.id; end`;

/** Messages that one statement inserts. Trade-off: more cost less each, and what is left over more. */
export const INSERTS = 16;
const PLAIN = `(${ID}, ?, ?, ?)`;

/** What version 2 has besides: queues that move, and moves that have ended here. */
export const MOVES_SCHEMA = `
  create table moves (queue integer primary key, move text not null) strict;
  create table ended (nth integer primary key autoincrement, move text unique not null) strict`;

/** Members of one run. Trade-off: more cost less each, and more are taken apart where one of them is touched. */
export const RUN_MIN = 8;
export const RUN_MAX = 64;

/** What version 3 has besides. */
export const RUNS_SCHEMA = `
  create table runs (id integer primary key, count integer not null, sentAt integer not null, lastAt integer not null,
    members text not null, packed blob not null) strict`;

/** Runs that have members in ?2 … ?3 of queue ?1. */
const RUNS_IN = (from: string, to: string) =>
  `r.id > ((?1 << 43) | ${from}) - ${RUN_MAX} and r.id <= ((?1 << 43) | ${to}) and r.id + r.count > ((?1 << 43) | ${from})`;
/** Why `cross join`: each range looks for its runs; the other way round, all runs would be read. */
const RANGES = 'json_each(?2) j cross join runs r';
/** Runs of queue ?1 of which some members, but not all, are in one of the ranges [[from, to], …] of ?2. */
const BROKEN = `select r.id from ${RANGES}
  on ${RUNS_IN('(j.value ->> 0)', '(j.value ->> 1)')}
  and (r.id < ((?1 << 43) | (j.value ->> 0)) or r.id + r.count - 1 > ((?1 << 43) | (j.value ->> 1)))`;
const RUN = `${SEQ('r')}, r.sentAt, r.members, r.packed`;

export const QUEUE_STATEMENTS = {
  addHead: 'insert into groups values (?, ?, ?) on conflict do nothing',
  breakRuns: `insert into messages (id, bytes, sentAt, content)
    select r.id + m.key, m.value ->> 0, r.sentAt + (m.value ->> 1), substr(r.packed, 1 + (m.value ->> 2), m.value ->> 3)
    from runs r join json_each(r.members) m where r.id in (${BROKEN})`,
  consumer: 'insert into consumers values (?, ?) on conflict do nothing',
  consumers: 'select name from consumers where queue = ? order by name',
  contents: `select ${SEQ('m')}, m.content, m.dead from messages m
    where m.id in (select (? << 43) | value from json_each(?))`,
  contentsRange: `select ${SEQ('m')}, m.content, m.dead from messages m
    where m.id between ((?1 << 43) | ?2) and ((?1 << 43) | ?3)`,
  copies: `select ${SEQ('c')}, c.message, c.consumer, ${STATE} from copies c left join states s on s.id = c.id
    where ${OF('c.id')} order by c.id`,
  copiesBetween: `select ${SEQ('c')}, c.message, c.consumer, ${STATE} from copies c left join states s on s.id = c.id
    where c.id > ${ID} and c.id < ${ID} order by c.id`,
  copy: `insert into messages select ${ID}, ?, ?, ?, ?, ?, null, ?, ?, content from messages where id = ${ID}`,
  copyOwed: `insert into copies values (${ID}, ?, ?)`,
  counts: 'update queues set counts = ? where queue = ?',
  dedupe: `insert into dedupe values (?, ?, ?, ?)
    on conflict (queue, key) do update set seq = excluded.seq, until = excluded.until`,
  dedupedFrom: 'select key, seq, until from dedupe where queue = ? and key > ? order by key limit ?',
  deduped: 'select key, seq, until from dedupe where queue = ? order by until, key',
  deliveries: `select ${MESSAGE}, d.needed from deliveries d join messages m on m.id = d.id where ${OF('d.id')} order by d.id`,
  deliveriesFrom: `select ${SEQ('d')}, d.needed from deliveries d where d.id > ${ID} and d.id < ((? + 1) << 43)
    order by d.id limit ?`,
  delivery: `insert into deliveries values (${ID}, ?)`,
  dropBroken: `delete from runs where id in (${BROKEN})`,
  dropCopy: `delete from copies where id = ${ID}`,
  dropEnded: 'delete from ended where nth <= (select max(nth) from ended) - ?',
  due: `select ${ROW} from states s join messages m on m.id = s.id
    where s.id >> 43 = ? and s.due is not null and s.token is null and (s.due, s.id) > (?, ${ID}) and s.due <= ?
    order by s.due, s.id limit ?`,
  dueHeads: `select ${ROW} from states s join messages m on m.id = s.id
    join groups g on g.queue = ? and g.name = m.grp and g.head = ${SEQ('m')}
    where s.id >> 43 = ? and s.due is not null and s.token is null and (s.due, s.id) > (?, ${ID}) and s.due <= ?
    order by s.due, s.id limit ?`,
  ended: 'select move from ended order by nth',
  expired: `select * from (select ${ROW} ${FROM}
      where m.id >> 43 = ? and m.expiresAt is not null and m.expiresAt <= ? and s.token is null limit ?)
    union select * from (select ${ROW} ${FROM} where ${OF('m.id')} and m.sentAt <= ? and s.token is null
      order by m.id limit ?) limit ?`,
  firstSent: `select sentAt from messages where ${OF('id')} and sentAt > ? order by id limit 1`,
  forget: 'delete from dedupe where queue = ? and until <= ?',
  groups: `select ${ROW} from json_each(?) j join messages m on m.id in
      (select id from messages where id >> 43 = ? and grp = j.value order by id limit ?)
    left join states s on s.id = m.id order by j.key, m.id`,
  hasRuns: 'select 1 from runs where id >= (?1 << 43) and id < ((?1 + 1) << 43) limit 1',
  heads: `select ${ROW} from groups g join messages m on m.id = (g.queue << 43) | g.head left join states s on s.id = m.id
    where g.queue = ? and g.head > ? and ${FREE} order by g.head limit ?`,
  insert: `insert into messages values (${ID}, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  inserts: `insert into messages (id, bytes, sentAt, content) values ${Array(INSERTS).fill(PLAIN).join(', ')}`,
  job: 'update queues set job = ? where queue = ?',
  leased: `select ${ROW} from states s join messages m on m.id = s.id where s.id >> 43 = ? and s.token is not null
    order by s.id`,
  list: `select ${ROW}, m.content ${FROM} where m.id > ${ID} and m.id < ((? + 1) << 43) order by m.id limit ?`,
  move: 'insert into moves values (?, ?) on conflict (queue) do update set move = excluded.move',
  moveEnded: 'insert into ended (move) values (?) on conflict do nothing',
  moves: 'select queue, move from moves',
  needed: `update deliveries set needed = ? where id = ${ID}`,
  nextDue: `select due from states where id >> 43 = ? and due is not null and token is null and (due, id) > (?, ${ID})
    order by due, id limit 1`,
  nextExpiry: 'select min(expiresAt) from messages where id >> 43 = ? and expiresAt is not null and expiresAt > ?',
  noConsumer: 'delete from consumers where queue = ? and name = ?',
  noHead: 'delete from groups where queue = ? and name = ? and head is null',
  noMove: 'delete from moves where queue = ?',
  number: `select seq from sqlite_sequence where name = 'queues'`,
  oldest: `select sentAt from messages where ${OF('id')} order by id limit 1`,
  page: `select ${ROW}, m.content from (select id, sum(bytes) over (order by id) - bytes as before from
      (select id, bytes from messages where id > ${ID} and id < ((? + 1) << 43) order by id limit ?)) p
    join messages m on m.id = p.id left join states s on s.id = m.id where p.before < ? order by m.id`,
  parked: 'select count(*) from states where id >> 43 = ? and due is not null and token is null',
  plain: `insert into messages (id, bytes, sentAt, content) values ${PLAIN}`,
  queue: `insert into queues values (?, ?, ?, ?, ?, null, null)
    on conflict (queue) do update set name = excluded.name, options = excluded.options, changedAt = excluded.changedAt`,
  queues: 'select queue, name, options, createdAt, changedAt, counts, job from queues order by queue',
  ranked: `select ${ROW} ${FROM} where m.id >> 43 = ? and m.rank is not null and m.rank >= ?
      and (m.rank, m.id) > (?, ${ID}) and m.several is null and ${FREE} order by m.rank, m.id limit ?`,
  ready: `select ${SEQ('m')}, m.bytes, m.sentAt, ${UNUSUAL},
      case when m.bytes <= ${READ_ALONG_BYTES_MAX} and m.dead is null then m.content end ${FROM} where m.id > ${ID} and m.id < ((? + 1) << 43) and m.several is null and ${FREE}
    order by m.id limit ?`,
  remove: `delete from messages where id = ${ID}`,
  removeRange: 'delete from messages where id between ((?1 << 43) | ?2) and ((?1 << 43) | ?3)',
  removeRuns: `delete from runs where id between ((?1 << 43) | ?2) and ((?1 << 43) | ?3)
    and id + count - 1 <= ((?1 << 43) | ?3)`,
  removeState: `delete from states where id = ${ID}`,
  run: `insert into runs values (${ID}, ?, ?, ?, ?, ?)`,
  runs: `select ${RUN} from (select id, sum(count) over (order by id) - count as before from (select id, count from runs r
      where ${RUNS_IN('?2', ID_MAX.toString())} order by id limit cast(?3 as integer) / ${RUN_MIN} + 2)) p
    join runs r on r.id = p.id where p.before < ?3 + ${RUN_MAX}`,
  runsAt: `select ${RUN} from runs r where r.id in (select r.id from ${RANGES}
    on ${RUNS_IN('(j.value ->> 0)', '(j.value ->> 1)')})`,
  runsSent: `select ${RUN} from runs r where r.id >= (?1 << 43) and r.id < ((?1 + 1) << 43) and r.sentAt <= ?2
    order by r.id limit cast(?3 as integer) / ${RUN_MIN} + 2`,
  runsYounger: `select ${RUN} from runs r where r.id >= (?1 << 43) and r.id < ((?1 + 1) << 43) and r.lastAt > ?2
    order by r.id limit 1`,
  shiftHead: `update groups set head = (select ${SEQ('m')} from messages m where m.id >> 43 = ? and m.grp = ?
      order by m.id limit 1) where queue = ? and name = ? and head = ?`,
  state: `insert into states values (${ID}, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set due = excluded.due,
    token = excluded.token, leaseUntil = excluded.leaseUntil, consumer = excluded.consumer, receives = excluded.receives,
    firstAt = excluded.firstAt, history = excluded.history`,
  wipeConsumers: 'delete from consumers where queue = ?',
  wipeCopies: `delete from copies where ${OF('id')}`,
  wipeDedupe: 'delete from dedupe where queue = ?',
  wipeGroups: 'delete from groups where queue = ?',
  wipeMessages: `delete from messages where ${OF('id')}`,
  wipeQueue: 'delete from queues where queue = ?',
  wipeRuns: 'delete from runs where id >= (?1 << 43) and id < ((?1 + 1) << 43)',
  wipeStates: `delete from states where ${OF('id')}`,
};

export type QueueStatement = keyof typeof QUEUE_STATEMENTS;
