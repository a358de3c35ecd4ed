/** `cluster status --watch` in a real terminal, over real nodes. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BUILT, World } from '../cli/mpreg.ts';
import { noTerminal, Terminal } from './terminal.ts';

let world: World;
let terminal: Terminal;

const WATCH = `${process.execPath} ${BUILT} cluster status --watch`;

describe.skipIf(noTerminal !== undefined)(`a real terminal (${noTerminal ?? 'tmux'})`, () => {
  beforeEach(() => {
    world = new World(BUILT);
    terminal = new Terminal(world.env(), { columns: 100, rows: 20 });
    terminal.keys('echo before', 'Enter');
  });

  afterEach(async () => {
    terminal.close();
    await world.close();
  });

  test('is taken whole, follows keys and size, and is given back as it was', async () => {
    await Promise.all([world.node(['--name', 'alpha', '--resource', 'gpu']), world.node(['--name', 'beta'])]);
    terminal.keys(WATCH, 'Enter');
    const screen = await terminal.shows('2 alive');
    expect(terminal.alternate).toBe(true);
    expect(screen).not.toContain('echo before');
    expect(screen).toMatch(/▸ alpha.*● alive/);
    expect(screen).toMatch(/as of \d\.\d s ago/);
    expect(screen.trimEnd().split('\n').length).toBeLessThanOrEqual(19);

    terminal.keys('j', 'Enter');
    await terminal.shows(/name {9}beta/);
    await terminal.shows(/calls {8}\d+ running/);
    terminal.keys('Escape');
    await terminal.shows(/▸ beta/);
    terminal.keys('/', 'gpu', 'Enter');
    await terminal.shows('/ gpu (1 of 2)');
    terminal.resize(30, 8);
    await terminal.shows(/NAME↓ +STATE/);
    expect(terminal.screen).not.toContain('ADDRESS');

    terminal.resize(100, 20);
    await terminal.shows('ADDRESS');
    terminal.keys('q');
    await terminal.shows('echo before');
    expect(terminal.alternate).toBe(false);
    terminal.keys('stty -a | grep -ow -e -echo -e -icanon; echo code $?', 'Enter');
    await terminal.shows(/^(\$ )?code 1$/m);
  });

  test('stays on the mesh when the node that is asked dies, and ends with Ctrl-C', async () => {
    const nodes = await Promise.all(['alpha', 'beta', 'gamma'].map((name) => world.node(['--name', name])));
    terminal.keys(`${WATCH}; echo ended with $?`, 'Enter');
    const asked = /asked: (\w+)/.exec(await terminal.shows('3 alive'))?.[1];
    nodes.find(({ name }) => name === asked)?.child.kill('SIGKILL');
    await terminal.shows(new RegExp(`asked: (?!${asked})\\w+`));
    await terminal.shows(new RegExp(`${asked}.*(suspect|dead)`));
    terminal.keys('C-c');
    await terminal.shows('ended with 0');
    expect(terminal.alternate).toBe(false);
  });
});

test('without a terminal it looks once and ends, as with --json', async () => {
  world = new World(BUILT);
  try {
    await world.node(['--name', 'alpha']);
    const look = await world.mpreg(['cluster', 'status', '--watch']);
    expect(look).toMatchObject({ code: 0, stderr: '' });
    expect(look.stdout).toMatch(/^alpha\talive\t/);
    expect(look.stdout.trimEnd().split('\n')).toHaveLength(1);
    const json = await world.mpreg(['cluster', 'status', '--watch', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject([{ name: 'alpha', state: 'alive' }]);
  } finally {
    await world.close();
  }
});
