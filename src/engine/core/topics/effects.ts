import type { NodeId } from '../base/ids.ts';
import type { TopicsMessage } from './messages.ts';

export type TopicsEffect =
  | { readonly kind: 'send'; readonly to: NodeId; readonly message: TopicsMessage }
  /** The version of this node's interest, for its record: who hears of it and holds less will ask. */
  | { readonly kind: 'interest-version'; readonly version: number }
  /** All nodes know what this node listened to when `everywhere` was called with that token. */
  | { readonly kind: 'everywhere'; readonly token: number };
