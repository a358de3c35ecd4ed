/** What a user would give to `mpreg node start --functions`; its worker threads inherit the place. */
import { functionsOf, type Place } from './functions.ts';

export const { change, digest, join, make, step } = functionsOf((process.env['BENCH_PLACE'] ?? 'a') as Place);
