/** A place where clusters may be found, in one word: `file:PATH`, `srv:NAME`, `http://…`, `mdns`, or a node. */
import { z } from 'zod';

const FORMS = 'write file:PATH, srv:NAME, http://HOST/PATH, mdns, ws://HOST:PORT, or gossip:ws://HOST:PORT';

/** Why a word names no source. */
export function wrongSource(word: string): string | undefined {
  if (word === 'mdns' || /^mdns:[\w.-]+$/.test(word)) return undefined;
  if (/^file:./.test(word)) return undefined;
  if (/^srv:[\w-]+(\.[\w-]+)*\.?(@[\w.:[\]-]+)?$/.test(word)) return undefined;
  if (/^(https?|(gossip:)?wss?):\/\//.test(word) && URL.canParse(word.replace(/^gossip:/, ''))) return undefined;
  return `"${word}" is no source of discovery; ${FORMS}`;
}

export const discoverySource = z.string().superRefine((word, check) => {
  const wrong = wrongSource(word);
  if (wrong !== undefined) check.addIssue({ code: 'custom', message: wrong });
});
