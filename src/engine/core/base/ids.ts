/**
 * Names of things.
 *
 * A node id is for all time: made once, kept in the node's data directory, never given to another node. An address is
 * not an id: the same address with a new id is a new node.
 */

/** 26 characters of Crockford's base 32, as in ULID: 48 bits of time, 80 bits of chance. */
export type NodeId = string;

/** Where a node listens: `ws://host:port` or `wss://host:port`. */
export type Address = string;

/** One connection of this process, numbered by the world; never used again within a process. */
export type LinkId = number;

/** One attempt to connect, numbered by the core. */
export type DialId = number;

/** One run of a function on this node, numbered by the core. */
export type TaskId = number;

const NODE_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}
