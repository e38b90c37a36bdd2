import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder } from './temporary-folder.ts';

/** For `skip` of a test. */
export const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';

export interface Certificate {
  key: Buffer;
  cert: Buffer;
  /** Paths of the certificate and of its key. */
  file: string;
  keyFile: string;
}

/** Self-signed, for these names. Defaults to one that is valid, of a server or client (CA:FALSE). */
export async function makeCertificate(
  t: TestContext,
  names: string,
  { expired = false, authority = false }: { expired?: boolean; authority?: boolean } = {},
): Promise<Certificate> {
  const folder = await temporaryFolder(t);
  const [keyFile, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = join(folder, 'request.pem');
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { stdio: 'pipe', cwd: folder });
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`];
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile];
  if (expired) {
    openssl('req', '-new', ...key, ...subject, '-out', request);
    execFileSync(
      'sh',
      [
        '-c',
        ': > index.txt; printf "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\npolicy=p\ndefault_md=sha256\ncopy_extensions=copy\n[p]\ncommonName=supplied\n" > ca.cnf; echo 01 > serial',
      ],
      { cwd: folder },
    );
    const dates = ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z'];
    openssl(
      'ca',
      '-batch',
      '-config',
      'ca.cnf',
      '-selfsign',
      '-keyfile',
      keyFile,
      '-in',
      request,
      ...dates,
      '-out',
      file,
      '-notext',
    );
  } else {
    const constraints = ['-addext', `basicConstraints=critical,CA:${authority ? 'TRUE' : 'FALSE'}`];
    openssl('req', '-x509', ...key, ...subject, ...constraints, '-days', '2', '-out', file);
  }
  return { key: readFileSync(keyFile), cert: readFileSync(file), file, keyFile };
}
