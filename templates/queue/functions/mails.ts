import { type CallContext, defineFunction } from 'mpreg';

interface Mail {
  readonly to: string;
  readonly text: string;
}

/**
 * Called with each message of the queue `mails`, four at a time. When it returns, the message is done; when it throws, the
 * message comes again, later each time, and in the end goes to `mails.dead`.
 */
export const sendMail = defineFunction({
  name: 'sendMail',
  queue: 'mails',
  concurrency: 4,
  async run(this: CallContext, { text, to }: Mail) {
    if (!to.includes('@')) throw new Error(`"${to}" is no address`);
    await new Promise((sent) => setTimeout(sent, 100)); // here the real work would be done
    this.log(`sent to ${to}`, { text });
  },
});
