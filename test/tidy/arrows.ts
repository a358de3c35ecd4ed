/**
 * Which file may import which: the table of docs/ARCHITECTURE.md as code. Type imports count as well: an arrow is an
 * arrow. Every import must lead to a file that was seen, so that none can slip past the table.
 */
import { dirname, join } from 'node:path/posix';
import { Visitor } from 'rolldown/utils';
import type { Complaint, Source } from './source.ts';

/** One import: from a file, to a file of the repository or to a package (`node:fs`, `ink`). */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly line: number;
}

interface ArrowRule {
  readonly name: string;
  readonly from: RegExp;
  /** What is wrong with that target, if anything. */
  readonly refuses: (to: string, from: string) => boolean;
}

const CORE = 'src/engine/core/';
const FACES = /^src\/(commands|cli|tui)\//;
const FACE_PACKAGES = /^(@oclif\/|ink($|\/|-)|react($|\/|-))/;

/** The core's files that hold messages and plain data, no machines. */
const MESSAGES =
  /^src\/engine\/core\/(base\/.*|[^/]+\/messages\.ts|directory\/record\.ts|node\/(inputs|effects|snapshot)\.ts)$/;

const domainOf = (path: string) => path.slice(CORE.length).split('/')[0] as string;

export const ARROW_RULES: readonly ArrowRule[] = [
  { from: /^src\/engine\/core\//, name: 'core is blind', refuses: (to) => !to.startsWith(CORE) },
  { from: /^src\/engine\/core\/base\//, name: 'base is the floor', refuses: (to) => !to.startsWith(`${CORE}base/`) },
  {
    from: /^src\/engine\/core\/(?!base\/|node\/)/,
    name: 'domains are strangers',
    refuses: (to, from) => to.startsWith(CORE) && !['base', domainOf(from)].includes(domainOf(to)),
  },
  {
    from: /^src\/engine\/wire\//,
    name: 'wire sees only messages',
    refuses: (to) => (to.startsWith(CORE) && !MESSAGES.test(to)) || /^src\/engine\/(host|sim)\//.test(to),
  },
  {
    from: /^src\/engine\/flow\//,
    name: 'flow belongs to no world',
    refuses: (to) => /^(node:|src\/engine\/(host|sim|create-node\.ts|index\.ts))/.test(to),
  },
  {
    from: /^src\/engine\/sim\//,
    name: 'sim is deterministic',
    refuses: (to) => /^(node:|src\/engine\/(host\/(?!ports\.ts)|create-node\.ts|index\.ts))/.test(to),
  },
  { from: /^src\/engine\/host\//, name: 'host never simulates', refuses: (to) => to.startsWith('src/engine/sim/') },
  {
    from: /^src\/(engine|worker)\//,
    name: 'the engine has no face',
    refuses: (to) => FACES.test(to) || FACE_PACKAGES.test(to) || /^src\/[^/]+$/.test(to),
  },
  {
    from: /^src\/(commands|cli|tui)\//,
    name: 'faces use the front door',
    refuses: (to) => to.startsWith('src/engine/') && to !== 'src/engine/index.ts',
  },
  { from: /^src\//, name: 'src stands alone', refuses: (to) => /^(test|bench|scripts|bin)\//.test(to) },
];

export interface Checked {
  readonly complaints: readonly Complaint[];
  /** How many files under `src` were looked at. */
  readonly modules: number;
}

export function checkArrows(sources: readonly Source[]): Checked {
  const seen = new Set(sources.map((s) => s.path));
  const complaints: Complaint[] = [];
  const graph = new Map<string, Arrow[]>();
  for (const source of sources) {
    const arrows = arrowsOf(source);
    graph.set(source.path, arrows);
    for (const { from, to, line } of arrows) {
      if (to.startsWith('src/') && !seen.has(to)) {
        complaints.push({ line, path: from, rule: 'imports lead somewhere', what: `${to} was not seen` });
      }
      for (const rule of ARROW_RULES) {
        if (rule.from.test(from) && rule.refuses(to, from)) {
          complaints.push({ line, path: from, rule: rule.name, what: `must not import ${to}` });
        }
      }
    }
  }
  return { complaints: [...complaints, ...cycles(graph)], modules: graph.size };
}

/** Every import of a file: static, re-exported, dynamic, and `import('x')` in types. */
export function arrowsOf(source: Source): Arrow[] {
  const arrows: Arrow[] = [];
  const add = (node: { type: string; start: number; value?: unknown } | null | undefined) => {
    if (node?.type !== 'Literal' || typeof node.value !== 'string') return;
    arrows.push({ from: source.path, line: source.lineOf(node.start), to: resolve(source.path, node.value) });
  };
  new Visitor({
    ExportAllDeclaration: (n) => add(n.source),
    ExportNamedDeclaration: (n) => add(n.source),
    ImportDeclaration: (n) => add(n.source),
    ImportExpression: (n) => add(n.source),
    TSImportType: (n) => add(n.source),
  }).visit(source.program);
  return arrows;
}

function resolve(from: string, specifier: string): string {
  if (specifier === 'mpreg') return 'src/index.ts';
  return specifier.startsWith('.') ? join(dirname(from), specifier) : specifier;
}

/** One complaint per group of files that import each other in a circle, with the circle as a path. */
function cycles(graph: ReadonlyMap<string, readonly Arrow[]>): Complaint[] {
  const complaints: Complaint[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (file: string, line: number) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      const circle = [...path.slice(at), file].join(' → ');
      complaints.push({ line, path: path.at(-1) as string, rule: 'no cycles', what: circle });
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const arrow of graph.get(file) ?? []) walk(arrow.to, arrow.line);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, 1);
  return complaints;
}
