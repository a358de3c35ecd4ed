/** Docs are tests: every `$ ` line of README.md and docs/ runs, and prints what the document says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { read } from './docs/reader.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const inDocs = existsSync(`${root}docs`) ? readdirSync(`${root}docs`).filter((name) => name.endsWith('.md')) : [];
const documents = ['README.md', ...inDocs.map((name) => `docs/${name}`)];

test.each(documents)('everything in %s works as it is shown', { timeout: 180_000 }, async (name) => {
  const complaint = await read(readFileSync(`${root}${name}`, 'utf8'));
  expect(complaint && `${name}, ${complaint}`).toBeUndefined();
});
