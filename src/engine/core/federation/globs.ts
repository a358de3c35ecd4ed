/**
 * Whether names fit globs, and topics fit patterns, for rules that operators write.
 *
 * A glob's `*` is any number of characters, also none. It is matched from left to right, and of all its stars only the last one
 * passed is ever tried again: so it costs no more than text times glob, whatever somebody writes.
 */
export function fitsGlob(glob: string, text: string): boolean {
  return match(glob, text, '*');
}

/** A pattern's `*` is one segment of a topic, and `#` any number of them, also none, as for everybody who subscribes. */
export function fitsPattern(pattern: string, topic: string): boolean {
  return match(pattern.split('.'), topic.split('.'), '#', '*');
}

function match(glob: ArrayLike<string>, text: ArrayLike<string>, many: string, one?: string): boolean {
  let at = 0;
  let read = 0;
  let star = -1;
  let starRead = 0;
  while (read < text.length) {
    if (at < glob.length && glob[at] === many) {
      star = at++;
      starRead = read;
    } else if (at < glob.length && (glob[at] === text[read] || (one !== undefined && glob[at] === one))) {
      at++;
      read++;
    } else if (star >= 0) {
      at = star + 1;
      read = ++starRead;
    } else return false;
  }
  while (at < glob.length && glob[at] === many) at++;
  return at === glob.length;
}
