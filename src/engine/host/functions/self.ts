/** What a user's module gets when it imports `mpreg`: the front door. */
export * from '../../index.ts';
