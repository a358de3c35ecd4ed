/** The library: `import { connect, createNode, defineFunction } from 'mpreg'`. */
export * from './engine/index.ts';
