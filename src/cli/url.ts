/**
 * Addresses of nodes as people write them. `ws://host:port` and `wss://host:port` are the real form; a bare
 * `host:port` is read as `ws://`. Everything else is refused with what to write in its place.
 */
import { problemError } from '../engine/index.ts';

/** `where` names the flag or the key of the file for the message. */
export function parseNodeUrl(text: string, where: string): string {
  const trimmed = text.trim();
  const bare = /^[^/@\s]+:\d+$/.test(trimmed);
  const url = URL.parse(bare ? `ws://${trimmed}` : trimmed);
  if (url === null) throw problemError('usage-invalid', `${where}: "${text}" is no address; write ws://host:port`);
  if (url.protocol === 'http:' || url.protocol === 'https:') {
    const instead = `${url.protocol === 'http:' ? 'ws' : 'wss'}://${url.host}`;
    throw problemError('usage-invalid', `${where}: nodes are reached over WebSocket; write ${instead}`);
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw problemError('usage-invalid', `${where}: "${text}" is no address; write ws://host:port or wss://host:port`);
  }
  if (url.username !== '' || url.password !== '') {
    throw problemError('usage-invalid', `${where}: an address carries no password; give the key with --key-file`);
  }
  if (url.port === '0') throw problemError('usage-invalid', `${where}: "${text}" has no port that can be reached`);
  return url.href.replace(/\/$/, '');
}
