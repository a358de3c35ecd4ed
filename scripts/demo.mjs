// `npm start`: three nodes with different functions and resources, and a workflow over a real data file across them.
// It uses the command line as anybody would: `mpreg up` starts the nodes of templates/workflow, `mpreg call -` runs its
// plan. Everything lies in a folder of its own and is gone at the end. Plain JavaScript that Node 18 can run.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const project = join(root, 'templates', 'workflow');
const folder = mkdtempSync(join(tmpdir(), 'mpreg-demo-'));
const running = new Set();

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
    for (const child of running) child.stdin.end(); // `up` ends its nodes, then itself
  });
}
try {
  await demo();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode ||= 1;
} finally {
  rmSync(folder, { force: true, recursive: true });
}

async function demo() {
  const began = Date.now();
  console.log('Three nodes start on this machine; each has something that the others lack.\n');
  const up = mpreg(['up', 'mpreg.yaml', '--json', '--until-stdin-ends']);
  try {
    const { nodes } = JSON.parse(await Promise.race([up.firstLine, up.ended.then(endedEarly)]));
    const own = (name) => !/^echos?$/.test(name); // every node has those
    print(
      ['node', 'address', 'resources', 'functions'],
      nodes.map(({ name, url, resources, functions }) => [
        name,
        url,
        resources.join(', '),
        functions.filter(own).join(', '),
      ]),
    );
    const plan = readFileSync(join(project, 'workflow.json'), 'utf8');
    console.log('\nA plan of five steps goes to one of them: mpreg call - < templates/workflow/workflow.json\n');
    const call = mpreg(['call', '-', '--json']);
    call.child.stdin.end(plan);
    const output = await call.ended;
    const { results, steps, tookMs, error } = JSON.parse(output);
    print(
      ['step', 'function', 'asks for', 'node', 'state', 'ms'],
      steps.map((step) => {
        const { locs } = JSON.parse(plan).steps.find(({ name }) => name === step.name);
        return [step.name, step.fun, locs.join(', '), step.node ?? '', step.state, String(step.tookMs ?? '')];
      }),
    );
    if (error) throw new Error(error.message);
    console.log(`\nThe result, after ${tookMs} ms:\n`);
    for (const line of results.summary.text) console.log(`  ${line}`);
  } finally {
    up.child.stdin.end();
    await up.ended.catch(() => undefined);
  }
  console.log(`\nAll nodes have ended. That took ${((Date.now() - began) / 1000).toFixed(1)} s.`);
  console.log('To play with it: node bin/run.js init weather --template workflow');
}

function endedEarly() {
  throw new Error('the nodes ended before they were ready');
}

/** Starts the command line in the project's folder. `ended` resolves with its stdout, or rejects with its stderr. */
function mpreg(words) {
  const child = spawn(process.execPath, [join(root, 'bin', 'run.js'), ...words], { cwd: project, env: environment() });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined); // it ended first, which `ended` tells
  const firstLine = new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      if (code === 0 || stdout.startsWith('{"results"')) resolve(stdout);
      else reject(new Error(`mpreg ${words[0]} ended with ${code}\n${stderr}${stdout}`));
    });
  });
  ended.catch(() => undefined); // told where it is awaited
  return { child, ended, firstLine };
}

/** Without the user's own settings: the demonstration meets no other node of theirs. */
function environment() {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MPREG_'));
  return {
    ...Object.fromEntries(inherited),
    MPREG_CONFIG_DIR: join(folder, 'config'),
    MPREG_RUNTIME_DIR: join(folder, 'runtime'),
  };
}

function print(header, rows) {
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i].length)));
  for (const row of [header, ...rows]) {
    console.log(`  ${row.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`.trimEnd());
  }
}
