/** What the benchmarks use of a package that has no types. */
declare module 'qlobber' {
  export class Qlobber {
    add(topic: string, value: number): this;
    remove(topic: string, value?: number): this;
    match(topic: string): number[];
  }
}
