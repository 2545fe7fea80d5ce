import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface TlsFiles {
  sslrootcert: string | undefined;
  sslcert: string | undefined;
  sslkey: string | undefined;
}

/** Returns why the certificate files of a URL cannot be used, naming the parameter to change. Quotes no path. */
export function tlsFileFaults({ sslrootcert, sslcert, sslkey }: TlsFiles): string | undefined {
  if ((sslcert === undefined) !== (sslkey === undefined)) {
    return `has ${sslcert === undefined ? 'sslkey without sslcert' : 'sslcert without sslkey'}: name both files, or none`;
  }
  const root = sslrootcert === undefined ? undefined : read('sslrootcert', sslrootcert, certificate);
  const own = sslcert === undefined ? undefined : read('sslcert', sslcert, certificate);
  const key = sslkey === undefined ? undefined : read('sslkey', sslkey, createPrivateKey);
  for (const one of [root, own, key]) if (one !== undefined && 'fault' in one) return one.fault;
  if (own !== undefined && key !== undefined && 'content' in own && 'content' in key) {
    return own.content.checkPrivateKey(key.content) ? undefined : 'has an sslkey that does not belong to its sslcert';
  }
  return undefined;
}

type Content<T> = { content: T } | { fault: string };

function read<T extends X509Certificate | KeyObject>(
  parameter: string,
  path: string,
  parse: (text: string) => T,
): Content<T> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      fault: `names a file with ${parameter} that cannot be read (${code}): correct its path or its permissions`,
    };
  }
  if (parameter === 'sslkey' && text.includes('ENCRYPTED')) {
    return { fault: 'names an sslkey that is encrypted: write the key without a passphrase' };
  }
  try {
    return { content: parse(text) };
  } catch {
    const wanted = parameter === 'sslkey' ? 'private key' : 'certificate';
    return { fault: `names a file with ${parameter} that holds no ${wanted} in PEM` };
  }
}

function certificate(text: string): X509Certificate {
  return new X509Certificate(text);
}
