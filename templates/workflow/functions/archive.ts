/** Runs where the data lies: reads a file of the archive and takes it apart, without judging what is in it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Table } from './types.ts';

const ARCHIVE = new URL('../data/', import.meta.url);

/** `file`: the name of a CSV file in the archive. */
export async function ingest(file: string): Promise<Table> {
  if (basename(file) !== file) throw new Error(`${file} is not the name of a file in the archive`);
  const bytes = await readFile(new URL(encodeURIComponent(file), ARCHIVE));
  const [header, ...rows] = parseCsv(bytes.toString('utf8'));
  if (header === undefined) throw new Error(`${file} is empty`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { header: header.fields, rows, source: { bytes: bytes.length, file, rows: rows.length, sha256 } };
}

/** RFC 4180: fields between commas, in quotes where they hold commas, quotes (doubled) or line ends. */
function parseCsv(text: string): { line: number; fields: string[] }[] {
  const rows: { line: number; fields: string[] }[] = [];
  let fields: string[] = [];
  let field = '';
  let quoted = false;
  let line = 1;
  let first = 1;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\n') line++;
    if (quoted) {
      if (char !== '"') field += char;
      else if (text[at + 1] === '"') field += text[++at];
      else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === ',' || char === '\n') {
      fields.push(field);
      field = '';
      if (char === ',') continue;
      rows.push({ fields, line: first });
      fields = [];
      first = line;
    } else if (char !== '\r') field += char;
  }
  if (field !== '' || fields.length > 0) rows.push({ fields: [...fields, field], line: first });
  return rows;
}
