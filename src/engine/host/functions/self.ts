/** What a user's module gets when it imports `mpreg`: the front door, and what functions need. */
export { context, defineFunction } from '../../define-function.ts';
export * from '../../index.ts';
