/**
 * Whether SQLite's write-ahead log has lost something in its middle, looked at before SQLite opens it.
 *
 *     header │ frame frame COMMIT │ frame COMMIT │ frame fra       every frame's checksum continues the one before it
 *                                    ▲             └ torn: was being written when the machine stopped
 *                                    └ damaged: a later transaction was begun, so this one had been synced
 *
 * SQLite takes a log up to the first frame whose checksum is wrong, and drops the rest without a word: right for what a crash
 * tore off the end, which nobody was told was stored; wrong for damage before it. With `synchronous = full` a transaction
 * is begun only after the one before it is on the disk. So a commit after the first wrong frame that is itself followed by
 * frames of this log was acknowledged, and is being lost. (The format: sqlite.org/fileformat2.html, section 4.)
 *
 * Limit: damage to the last transaction cannot be told from a crash.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** What is wrong with the log of a database, in words; undefined where nothing is, or there is none. */
export function logFlaw(file: string): string | undefined {
  const name = `${file}-wal`;
  const size = statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= HEADER_BYTES) return undefined;
  const handle = openSync(name, 'r');
  try {
    return flawOf(handle, size);
  } finally {
    closeSync(handle);
  }
}

function flawOf(handle: number, size: number): string | undefined {
  const header = at(handle, 0, HEADER_BYTES);
  const magic = header.getUint32(0);
  const pageBytes = header.getUint32(8);
  const frameBytes = FRAME_BYTES + pageBytes;
  const isLittle = magic === MAGIC;
  const sum = new Sum(isLittle);
  sum.add(header, 0, HEADER_BYTES - 8);
  const isKnown = isLittle || magic === MAGIC + 1;
  if (!isKnown || !sum.is(header, HEADER_BYTES - 8)) {
    // Why: the header is synced before the first frame is written.
    return size >= HEADER_BYTES + FRAME_BYTES ? 'the header of its write-ahead log cannot be read' : undefined;
  }
  const frames = Math.floor((size - HEADER_BYTES) / frameBytes);
  let wrong: number | undefined;
  let commit = false;
  for (let i = 0; i < frames; i++) {
    const frame = at(handle, HEADER_BYTES + i * frameBytes, frameBytes);
    const isOurs = frame.getUint32(8) === header.getUint32(16) && frame.getUint32(12) === header.getUint32(20);
    if (wrong === undefined) {
      sum.add(frame, 0, 8);
      sum.add(frame, FRAME_BYTES, pageBytes);
      if (!isOurs || !sum.is(frame, 16)) wrong = i;
    } else if (isOurs && commit) {
      return `its write-ahead log is damaged in frame ${wrong + 1} of ${frames}, before what was stored last`;
    }
    if (wrong !== undefined) commit ||= (isOurs || i === wrong) && frame.getUint32(4) !== 0;
  }
  return undefined;
}

/** SQLite's checksum of pairs of words. */
class Sum {
  readonly #isLittle: boolean;
  #a = 0;
  #b = 0;

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle;
  }

  add(view: DataView, from: number, length: number): void {
    let [a, b] = [this.#a, this.#b];
    for (let i = from; i < from + length; i += 8) {
      a = (a + view.getUint32(i, this.#isLittle) + b) >>> 0;
      b = (b + view.getUint32(i + 4, this.#isLittle) + a) >>> 0;
    }
    this.#a = a;
    this.#b = b;
  }

  is(view: DataView, at: number): boolean {
    return view.getUint32(at) === this.#a && view.getUint32(at + 4) === this.#b;
  }
}

function at(handle: number, position: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  readSync(handle, bytes, 0, length, position);
  return new DataView(bytes.buffer);
}

const MAGIC = 0x377f0682;
const HEADER_BYTES = 32;
const FRAME_BYTES = 24;
