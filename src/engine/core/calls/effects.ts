import type { Address, LinkId, NodeId, TaskId } from '../base/ids.ts';
import type { Instant } from '../base/instant.ts';
import type { Payload } from '../base/payload.ts';
import type { CallMessage, CallsMessage } from './messages.ts';

/** Who asked: a client on a link, or another node. */
export type Asker = { readonly link: LinkId } | { readonly node: NodeId };

export type CallsEffect =
  /** Something about a call that is under way: worth sending only where the asker, or the node asked, is still linked. */
  | { readonly kind: 'answer'; readonly to: Asker; readonly message: CallsMessage }
  /** To a node that may not be linked: one that waits for the end of a chain, or holds values. */
  | { readonly kind: 'tell'; readonly to: NodeId; readonly address: Address; readonly message: CallsMessage }
  | { readonly kind: 'forward'; readonly to: NodeId; readonly address: Address; readonly message: CallMessage }
  | {
      readonly kind: 'run';
      readonly task: TaskId;
      readonly fun: string;
      readonly step?: string;
      /** How many calls it is nested in; absent: in none. */
      readonly depth?: number;
      /** Its asker says how many items it has taken. */
      readonly paced?: boolean;
      readonly deadline: Instant;
      readonly payload: Payload;
    }
  /** So many items of a paced task were taken by its asker. */
  | { readonly kind: 'more'; readonly task: TaskId; readonly items: number }
  | { readonly kind: 'abort'; readonly task: TaskId; readonly reason: string };
