/** The build of msgpackr that makes no code from text; the package has no types for it. */
declare module 'msgpackr/index-no-eval' {
  export * from 'msgpackr';
}
