/**
 * The flags that every command has. None has a default here: what was not given is looked for in the environment
 * (by the command framework, through `env`), then in the project file, then in the context (`settings.ts`).
 */
import { Flags } from '@oclif/core';

const helpGroup = 'GLOBAL';

export const globalFlags = {
  quiet: Flags.boolean({ char: 'q', env: 'MPREG_QUIET', helpGroup, summary: 'Only the result, warnings and errors.' }),
  verbose: Flags.boolean({ char: 'v', env: 'MPREG_VERBOSE', helpGroup, summary: 'Say more on stderr.' }),
  yes: Flags.boolean({ char: 'y', env: 'MPREG_YES', helpGroup, summary: 'Answer yes to every confirmation.' }),
  json: Flags.boolean({ env: 'MPREG_JSON', helpGroup, summary: 'Print JSON: one document, or one line per event.' }),
  'no-color': Flags.boolean({ env: 'MPREG_NO_COLOR', helpGroup, summary: 'No colours; so do NO_COLOR and TERM=dumb.' }),
  context: Flags.string({ env: 'MPREG_CONTEXT', helpGroup, helpValue: 'NAME', summary: 'Use this context.' }),
  url: Flags.string({
    delimiter: ',',
    env: 'MPREG_URL',
    helpGroup,
    helpValue: 'URL',
    multiple: true,
    multipleNonGreedy: true,
    summary: 'Connect to this node, ws://host:port; repeatable, tried in order. Without it: a node of yours here.',
  }),
  cluster: Flags.string({ env: 'MPREG_CLUSTER', helpGroup, helpValue: 'NAME', summary: 'The cluster that is meant.' }),
  timeout: Flags.string({
    env: 'MPREG_TIMEOUT',
    helpGroup,
    helpValue: 'DURATION',
    summary:
      'Longest wait for an answer: 500ms, 2s, 1m; 0 is no limit. 10s where nothing else is said. Reading stdin does not count.',
  }),
  'key-file': Flags.string({
    env: 'MPREG_KEY_FILE',
    helpGroup,
    helpValue: 'FILE',
    summary: 'The file with the key of the cluster (or the key itself in MPREG_KEY).',
  }),
  'tls-ca': Flags.string({
    env: 'MPREG_TLS_CA',
    helpGroup,
    helpValue: 'FILE',
    summary: 'Certificates (PEM) of who may vouch for nodes, for wss://.',
  }),
  'tls-cert': Flags.string({
    env: 'MPREG_TLS_CERT',
    helpGroup,
    helpValue: 'FILE',
    summary: 'Certificate (PEM) to show, for wss://.',
  }),
  'tls-key': Flags.string({
    env: 'MPREG_TLS_KEY',
    helpGroup,
    helpValue: 'FILE',
    summary: 'Private key (PEM) of --tls-cert.',
  }),
};
