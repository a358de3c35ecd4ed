import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDirectory } from '../../src/engine/host/make-directory.ts';

test('a directory is made with those above it, for its owner alone, and may be there already', () => {
  const top = mkdtempSync(join(tmpdir(), 'mpreg-directory-'));
  try {
    const path = join(top, 'a', 'b', 'c');
    makeDirectory(path, 0o700);
    makeDirectory(path, 0o700);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(top, 'a')).mode & 0o777).toBe(0o700);
  } finally {
    rmSync(top, { force: true, recursive: true });
  }
});

test.runIf(existsSync('/proc/self'))('where nothing can be made, that is said', () => {
  expect(() => makeDirectory('/proc/nothing/here', 0o700)).toThrow('/proc/nothing');
});
