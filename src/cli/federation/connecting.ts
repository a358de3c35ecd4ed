/** How commands reach the clusters of a configuration file: with its addresses, and with the keys that it names. */
import { type ConnectOptions, problemError } from '../../engine/index.ts';
import { connectOptions, type Settings } from '../settings.ts';
import { hubsOf } from './deployment.ts';
import type { FederationFile, FileCluster } from './federation-schema.ts';
import { openAccess } from './hub-access.ts';
import type { OpenCluster } from './survey.ts';

export type OptionsOf = (cluster: FileCluster) => Omit<ConnectOptions, 'urls'>;

/** Where the file names no key, that of the command line counts. */
export function optionsOf(file: FederationFile, settings: Settings, warn: (message: string) => void): OptionsOf {
  const { cluster: _, urls: __, ...base } = connectOptions(settings, warn);
  return ({ cluster_id: id, key_env: own }) => {
    const name = own ?? file.federation.key_env;
    const key = name === undefined ? undefined : process.env[name]?.trim();
    if (name !== undefined && !key) {
      throw problemError('key-missing', `the key of ${id} is in ${name}, which is not set`, {
        hint: `Set it.\nexport ${name}=…`,
      });
    }
    return key === undefined ? base : { ...base, key: new TextEncoder().encode(key) };
  };
}

/** Connects to the first hub of a cluster that answers. */
export function opener(options: OptionsOf, timeoutMs: number): OpenCluster {
  return async (cluster) => {
    const urls = hubsOf(cluster).map(({ serverUrl }) => serverUrl);
    return openAccess(urls, options(cluster), timeoutMs);
  };
}
