/**
 * Style as a test: the rules of docs/ARCHITECTURE.md and CONTRIBUTING.md that a program can check. The exceptions are
 * written down here; each is struck as soon as it is no longer needed, so the lists can only shrink.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { PROBLEMS } from '../src/engine/core/base/problems.ts';
import { checkArrows } from './tidy/arrows.ts';
import { checkCommands, checkOptions, checkProblems } from './tidy/catalogue.ts';
import { checkCode } from './tidy/code.ts';
import { list, load, print } from './tidy/source.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = load(root, ['src', 'test', 'bin', 'scripts', 'templates', 'bench']);
const src = sources.filter((s) => s.path.startsWith('src/'));

/** Files longer than 400 lines, with the length that they may have. */
const LONG_FILES: Readonly<Record<string, number>> = {};
/** Codes of the catalogue that nothing raises yet, and those that no test names yet. */
const UNRAISED: readonly string[] = [];
const UNTESTED: readonly string[] = [];

describe('the repository', () => {
  test('keeps the directions of its imports, and every file under src was looked at', () => {
    const { complaints, modules } = checkArrows(src);
    expect(print(complaints)).toBe('');
    expect(modules).toBe(list(root, 'src').length);
    expect(modules).toBeGreaterThan(20);
  });

  test('keeps the rules of a single file', () => {
    expect(print(checkCode(sources, LONG_FILES))).toBe('');
  });

  test('raises and tests every problem of the catalogue', () => {
    const found = checkProblems(Object.keys(PROBLEMS), sources, { unraised: UNRAISED, untested: UNTESTED });
    expect(print(found)).toBe('');
  });

  test('shows by example what every command does, and runs it', () => {
    expect(print(checkCommands(sources))).toBe('');
  });

  test('says of every option what it costs', () => {
    expect(print(checkOptions(sources))).toBe('');
  });
});
