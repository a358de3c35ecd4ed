/** A federation for programs that draw graphs: Graphviz's dot and Mermaid. Names that others chose are quoted, never code. */
import { formatMs, linkText, type Topology, type TopologyCluster, type TopologyLink } from './topology.ts';

const COLORS = { critical: 'red', degraded: 'orange', healthy: 'forestgreen', lost: 'gray' } as const;

const NO_REGION = 'no region';

/** One cluster per region, one node per cluster (graphviz.org/doc/info/lang.html). */
export function topologyDot({ clusters, links }: Topology): string {
  const regions = Map.groupBy(clusters, ({ region }) => region);
  const bodies = [...regions].map(([region, members], at) => {
    const nodes = members.map(
      (one) => `    ${dotText(one.id)} [label=${dotText(labelOf(one, '\n'))}, color=${COLORS[one.state]}];`,
    );
    return [`  subgraph cluster_${at} {`, `    label=${dotText(region || NO_REGION)};`, ...nodes, '  }'].join('\n');
  });
  const edges = linkPairs(links).map(([{ from, to }, text, up]) => {
    const style = up ? '' : ', style=dashed, color=gray';
    return `  ${dotText(from)} -- ${dotText(to)} [label=${dotText(text)}${style}];`;
  });
  return ['graph federation {', '  node [shape=box];', ...bodies, ...edges, '}'].join('\n');
}

/** A string of dot: only the quote and the line end mean something in it; a backslash before a quote is doubled. A NUL would end it. */
function dotText(text: string): string {
  return `"${text.replaceAll('\0', '').replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

/** A flowchart (mermaid.js.org/syntax/flowchart.html). Ids are our own, texts are quoted with entities. */
export function topologyMermaid({ clusters, links }: Topology): string {
  const ids = new Map(clusters.map(({ id }, at) => [id, `c${at}`]));
  const regions = [...Map.groupBy(clusters, ({ region }) => region)];
  const bodies = regions.flatMap(([region, members], at) => [
    `  subgraph r${at}["${mermaidText(region || NO_REGION)}"]`,
    ...members.map((one) => `    ${ids.get(one.id)}["${mermaidText(labelOf(one, '\n'))}"]:::${one.state}`),
    '  end',
  ]);
  const edges = linkPairs(links).flatMap(([{ from, to }, text, up]) => {
    const [a, b] = [ids.get(from), ids.get(to)];
    return a === undefined || b === undefined ? [] : [`  ${a} ${up ? '---' : '-.-'}|"${mermaidText(text)}"| ${b}`];
  });
  const classes = Object.entries(COLORS).map(([state, color]) => `  classDef ${state} stroke:${color}`);
  return ['graph LR', ...bodies, ...edges, ...classes].join('\n');
}

/** Why never empty: a label without text is no label in its grammar, as of a cluster of which nothing is known. */
function mermaidText(text: string): string {
  return (text.trim() || '?')
    .replace(/[^\p{L}\p{N} .,:;%()/+\n-]/gu, (char) => `#${char.codePointAt(0)};`)
    .replaceAll('\n', '<br/>');
}

function labelOf({ id, name, nodes, self, state }: TopologyCluster, between: string): string {
  const who = name === id ? id : `${name} (${id})`;
  return `${who}${self ? ' *' : ''}${between}${state}, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`;
}

/** One for each two clusters: the best link, and how many there are. */
export function linkPairs(
  links: readonly TopologyLink[],
): readonly (readonly [pair: { readonly from: string; readonly to: string }, text: string, up: boolean])[] {
  const pairs = Map.groupBy(links, ({ from, to }) => JSON.stringify([from, to].sort()));
  return [...pairs.values()].map((all) => {
    const up = all.filter(({ state }) => state === 'up');
    const best = up.toSorted((a, b) => (a.ms ?? Number.POSITIVE_INFINITY) - (b.ms ?? Number.POSITIVE_INFINITY))[0];
    const shown = best ?? (all[0] as TopologyLink);
    const times = up.length > 1 ? `, ${up.length} links` : '';
    const text = best?.ms === null || best === undefined ? linkText(shown) : formatMs(best.ms);
    return [{ from: shown.from, to: shown.to }, `${text}${times}`, best !== undefined] as const;
  });
}
