import type {
  AnyTopicsMessage,
  FlowMessage,
  GapMessage,
  KeepMessage,
  SubscriberMessage,
  TakenMessage,
  TopicsMessage,
} from './messages.ts';

/** Which messages are about what. */

/** Why by hand: it is asked of every message. */
export function isFlow(message: { readonly kind: string }): message is FlowMessage {
  switch (message.kind as FlowMessage['kind']) {
    case 'publish':
    case 'publish-run':
    case 'forward':
    case 'forward-run':
    case 'abroad':
    case 'deliver':
    case 'deliver-run':
    case 'published':
    case 'taken':
    case 'gap':
    case 'store':
    case 'stored':
    case 'read':
    case 'reading':
    case 'kept':
    case 'acknowledge':
    case 'unread':
    case 'settle':
    case 'discharge':
    case 'returned':
    case 'retained':
    case 'brake':
      return true;
    default:
      return false;
  }
}

/** What a client may say of messages; `subscribe` and `unsubscribe` are the core's. */
export function isFromClients({ kind }: AnyTopicsMessage): boolean {
  return kind === 'publish' || kind === 'settle' || kind === 'taken';
}

export function isAboutTopics(message: { readonly kind: string }): message is AnyTopicsMessage {
  switch (message.kind as (TopicsMessage | SubscriberMessage)['kind']) {
    case 'interest':
    case 'interest-have':
    case 'subscribe':
    case 'subscribed':
    case 'unsubscribe':
      return true;
    default:
      return isFlow(message);
  }
}

/** What kept topics have to do with; `taken` and `gap` are about other readers as well. */
export function isKept(message: FlowMessage): message is KeepMessage | TakenMessage | GapMessage {
  switch (message.kind) {
    case 'publish':
    case 'published':
    case 'forward':
    case 'abroad':
    case 'deliver':
    case 'settle':
    case 'discharge':
    case 'returned':
    case 'retained':
    case 'brake':
      return false;
    default:
      return true;
  }
}
