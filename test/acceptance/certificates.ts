import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of a certificate authority that is made in `folder`, and of one certificate for loopback that serves both ends. */
export function certificates(folder: string): { readonly ca: string; readonly cert: string; readonly key: string } {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  writeFileSync(at('san.cnf'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...fresh, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test ca', '-days', '2');
  openssl('req', ...fresh, '-keyout', 'node.key', '-out', 'node.csr', '-subj', '/CN=node');
  const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san.cnf'];
  openssl('x509', '-req', '-in', 'node.csr', '-out', 'node.pem', ...by);
  return { ca: at('ca.pem'), cert: at('node.pem'), key: at('node.key') };
}
