import type { CallMessage, CallsMessage } from '../calls/messages.ts';
import { type FederationMessage, isAboutFederation } from '../federation/messages.ts';
import type { Message } from './inputs.ts';

/** Whether it travels between hubs of this cluster, on its own business or as part of a longer way. */
export function isBetweenHubs(message: Message): message is FederationMessage | CallsMessage {
  return isAboutFederation(message) || ('over' in message && message.over !== undefined);
}

/** Whether it carries what only nodes say to each other. */
export function isOfNodes({ abroad, errand, following, over }: CallMessage): boolean {
  return [abroad, errand, following, over].some((field) => field !== undefined);
}
