import type { Held, HubRecord, OffersRecord, Position, Told } from '../core/federation/messages.ts';
import { bool, list, name, object, open, optional, real, record, type Shape, text, uint, yes } from './shapes.ts';

const position = object<Position>({ at: list(real), error: real, height: real });

/** What hubs say of themselves and their clusters. Fields of a newer version stay in it, on every hub that passes it on. */
const hubRecord: Shape<HubRecord> = open<HubRecord>({
  address: text,
  edges: list(object({ cost: uint, life: uint, to: name })),
  hub: name,
  identity: object({
    cluster: name,
    coordinates: optional(object({ latitude: real, longitude: real })),
    name: text,
    region: text,
    tags: list(text),
  }),
  name,
  nodes: uint,
  position: optional(position),
  software: text,
  url: text,
  version: uint,
  withdrawn: optional(yes),
});

const offersRecord: Shape<OffersRecord> = open<OffersRecord>({
  cluster: name,
  functions: list(
    object({
      audience: optional(list(text)),
      functionId: optional(text),
      idempotent: optional(bool),
      name,
      resources: list(text),
      timeoutMs: optional(uint),
      version: text,
    }),
  ),
  hub: name,
  interest: optional(object({ bits: text, hashes: uint })),
  queues: list(text),
  retains: optional(object({ bits: text, hashes: uint })),
  version: uint,
  withdrawn: optional(yes),
});

export const toldHubs: Shape<readonly Told<HubRecord>[]> = list(
  record<Told<HubRecord>>({ record: hubRecord, ageMs: uint }),
);
export const toldOffers: Shape<readonly Told<OffersRecord>[]> = list(
  record<Told<OffersRecord>>({ record: offersRecord, ageMs: uint }),
);
export const held: Shape<readonly Held[]> = list(record<Held>({ hub: name, version: uint, offers: uint }));
export { position };
