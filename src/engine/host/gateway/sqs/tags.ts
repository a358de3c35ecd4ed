/** Tags of queues, kept where every face keeps them. */
import { asks, does } from './action.ts';
import { invalidValue, missing } from './errors.ts';
import { list, map, record, text } from './shape.ts';

/** Limits of the service. */
const TAGS_MAX = 50;
const KEY_MAX = 128;
const VALUE_MAX = 256;

export const tagQueue = does(
  record({ QueueUrl: text, Tags: map(text, 'Tag', 'Key') }),
  async ({ QueueUrl: url, Tags: tags = new Map() }, desk, asked) => {
    const { name, settings } = await desk.fresh(url, asked);
    if (tags.size === 0) throw missing('Tags');
    const all = new Map([...settings.tags, ...tags]);
    checkTags(name, all);
    await desk.edit(name, { ...settings, tags: all });
  },
);

export const untagQueue = does(
  record({ QueueUrl: text, TagKeys: list(text, 'TagKey') }),
  async ({ QueueUrl: url, TagKeys: keys = [] }, desk, asked) => {
    const { name, settings } = await desk.fresh(url, asked);
    if (keys.length === 0) throw invalidValue(KEY_RULE);
    const rest = new Map([...settings.tags].filter(([key]) => !keys.includes(key)));
    await desk.edit(name, { ...settings, tags: rest });
  },
);

export const listQueueTags = asks(
  record({ QueueUrl: text }),
  record({ Tags: map(text, 'Tag', 'Key') }),
  async ({ QueueUrl: url }, desk, asked) => {
    const { settings } = await desk.fresh(url, asked);
    return { Tags: settings.tags.size === 0 ? undefined : settings.tags };
  },
);

const KEY_RULE = `Tag keys must be between 1 and ${KEY_MAX} characters in length.`;

/** Throws `InvalidParameterValueException`. */
export function checkTags(queue: string, tags: ReadonlyMap<string, string>): void {
  if (tags.size > TAGS_MAX) throw invalidValue(`Too many tags added for queue ${queue}.`);
  for (const [key, value] of tags) {
    if (key === '' || key.length > KEY_MAX) throw invalidValue(KEY_RULE);
    if (value.length > VALUE_MAX) throw invalidValue(`Tag values must be at most ${VALUE_MAX} characters in length.`);
  }
}
