import { getAsset, getAssetKeys, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Starts the thread src/worker/<name>: from source, from dist, or from a single executable (of Node's or of pkg's making). */
export function startWorker(name: string, options: WorkerOptions): Worker {
  if (isSea()) {
    const file = `worker/${name}.cjs`;
    if (getAssetKeys().includes(file)) return new Worker(getAsset(file, 'utf8'), { ...options, eval: true });
    return new Worker(fileURLToPath(new URL(file, import.meta.url)), options); // pkg wants a path, not a URL
  }
  const ext = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new Worker(new URL(`../../worker/${name}.${ext}`, import.meta.url), options);
}
