import type { Payload } from '../core/base/payload.ts';
import { valueFromJson, valueToJson } from './json-value.ts';
import { Misfit } from './misfit.ts';
import { payloadFrom, payloadOf } from './payload.ts';
import type { Shape } from './shapes.ts';

/** A value within a header that stays encoded until somebody asks for it: bytes in MessagePack, a value in JSON. */
export const encoded: Shape<Payload> = {
  fromJson: (json) => payloadOf(valueFromJson(json)),
  pack: (payload) => payload.bytes(),
  toJson: (payload) => {
    const value = payload.value();
    return valueToJson(value.ok ? value.value : undefined);
  },
  unpack: (plain) => {
    if (!(plain instanceof Uint8Array)) throw new Misfit('must be bytes');
    return payloadFrom(plain);
  },
};
