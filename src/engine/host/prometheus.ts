/** Metrics in the text format of Prometheus (version 0.0.4). */

/** A counter for each field of `counters`: `mpreg_ABOUT_FIELD_total`. */
export function totals(about: string, counters: object): string[] {
  return Object.entries(counters).map(([counted, value]) => {
    const name = `mpreg_${about}_${snake(counted)}_total`;
    return `# TYPE ${name} counter\n${name} ${value}`;
  });
}

/** `labels`: as they stand in the text, `{state="up"}`, or empty. */
export function gauge(
  name: string,
  help: string,
  values: readonly (readonly [labels: string, value: number])[],
): string {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...values.map(([labels, value]) => `${name}${labels} ${value}`),
  ].join('\n');
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `{cluster="east",hub="a\\"b"}`: what a value holds cannot end it. */
export function labels(of: Readonly<Record<string, string>>): string {
  const quoted = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `{${Object.entries(of)
    .map(([name, value]) => `${name}="${quoted(value)}"`)
    .join(',')}}`;
}
