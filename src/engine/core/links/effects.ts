import type { Address, DialId, LinkId, NodeId } from '../base/ids.ts';
import type { LinkMessage } from './messages.ts';

/** What links ask of the world and tell the node. `Message` is whatever the node's domains send to each other. */
export type LinksEffect<Message> =
  | { readonly kind: 'send'; readonly link: LinkId; readonly message: Message | LinkMessage }
  | { readonly kind: 'dial'; readonly dial: DialId; readonly address: Address }
  | { readonly kind: 'close'; readonly link: LinkId; readonly reason: string }
  /** A peer is there: its `first` link is up, or it was asked for through `contact` and has one. */
  | {
      readonly kind: 'joined';
      readonly id: NodeId;
      readonly name: string;
      readonly address: Address;
      readonly first: boolean;
    }
  /** The link that traffic used is gone: what was under way on it may be lost. */
  | { readonly kind: 'broken'; readonly id: NodeId; readonly name: string; readonly reason: string }
  /** The link was closed in good order because nobody needed it: what was sent on it and not answered did not arrive. */
  | { readonly kind: 'parted'; readonly id: NodeId; readonly name: string; readonly reason: string }
  /** Dialling a node failed; `refused` where a machine said that nobody listens there. */
  | { readonly kind: 'unreachable'; readonly id: NodeId; readonly refused: boolean; readonly reason: string }
  /** A message that certainly did not leave this node. */
  | { readonly kind: 'undelivered'; readonly to: NodeId; readonly message: Message; readonly reason: string }
  /** The peers with a link, after each change. */
  | { readonly kind: 'neighbours'; readonly ids: readonly NodeId[] }
  | { readonly kind: 'client-left'; readonly link: LinkId; readonly reason: string };
