/**
 * About how many bytes a decoded value takes, from what it holds: 16 for each thing, and what is in texts and bytes.
 * Why not its JSON: what comes from peers may hold values that JSON has no form for.
 */
export function sizeOf(value: unknown): number {
  let size = 0;
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    size += 16;
    if (typeof next === 'string') size += next.length;
    else if (ArrayBuffer.isView(next)) size += next.byteLength;
    else if (next instanceof Map) for (const entry of next) left.push(...entry);
    else if (next instanceof Set || Array.isArray(next)) for (const item of next) left.push(item);
    else if (typeof next === 'object' && next !== null) for (const entry of Object.entries(next)) left.push(...entry);
  }
  return size;
}
