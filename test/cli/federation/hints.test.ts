import { describe, expect, test } from 'vitest';
import { hintFor } from '../../../src/cli/federation/hints.ts';

describe('what to write in a configuration file', () => {
  test.each([
    [['alerting', 'rules', 0, 'threshold'], '"threshold": 60'],
    [['alerting', 'rules', 1, 'name'], '"name"'],
    [['alerting', 'rules'], 'metric'],
    [['alerting'], 'channels'],
    [['policies', 0, 'exports'], 'functions'],
    [['policies', 0, 'imports'], 'functions'],
    [['policies'], 'exports'],
    [['discovery'], 'sources'],
    [[], 'generate-config'],
  ])('at %j is about that place, and not about the list of clusters', (path, part) => {
    expect(hintFor(path)).toContain(part);
    expect(hintFor(path)).not.toContain('cluster_id');
  });
});
