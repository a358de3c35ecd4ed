/** What is kept with a queue that the queue itself never looks at. */

export function notesOf({ options }: { readonly options: object }): Readonly<Record<string, unknown>> {
  return (options as { readonly notes?: Readonly<Record<string, unknown>> }).notes ?? {};
}

export function bindingsOf(info: { readonly options: object }): readonly string[] {
  const { bindings } = notesOf(info);
  return Array.isArray(bindings) ? (bindings as readonly string[]) : [];
}
