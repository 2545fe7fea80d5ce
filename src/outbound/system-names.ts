import { readFileSync, statSync } from 'node:fs';

/** Names that the machine's files define, and the rules of its resolver (resolv.conf(5)). */
export interface SystemNames {
  /** Addresses of a name in the hosts file; empty if it is not there. */
  hostAddresses(name: string): readonly string[];
  /** Full names to look up for a name, in order. */
  candidates(name: string): readonly string[];
}

/** Maximum age of a file's contents before the file is checked for a change. */
const recheckMs = 5000;
/** Maximum search domains, as the system's resolver has it. */
const maxSearchDomains = 6;

export function createSystemNames(hostsFile = '/etc/hosts', resolverFile = '/etc/resolv.conf'): SystemNames {
  const hosts = createFileReader(hostsFile, parseHosts);
  const resolver = createFileReader(resolverFile, parseResolver);
  return {
    hostAddresses: (name) => hosts().get(name) ?? [],
    candidates(name) {
      if (name.endsWith('.')) return [name.slice(0, -1)];
      const { search, ndots } = resolver();
      const searched = search.map((domain) => `${name}.${domain}`);
      return name.split('.').length > ndots ? [name, ...searched] : [...searched, name];
    },
  };
}

/** Returns a function with the parsed contents of a file, which it reads again after a change. */
function createFileReader<T>(file: string, parse: (text: string) => T): () => T {
  let checkedAt = Number.NEGATIVE_INFINITY;
  let version = '';
  let parsed = parse('');
  return () => {
    if (performance.now() - checkedAt < recheckMs) return parsed;
    checkedAt = performance.now();
    const stat = statSync(file, { throwIfNoEntry: false });
    const found = stat === undefined ? '' : `${stat.mtimeMs}/${stat.size}`;
    if (found !== version) parsed = parse(stat === undefined ? '' : readFileSync(file, 'utf8'));
    version = found;
    return parsed;
  };
}

function wordsOf(text: string): string[][] {
  return text.split('\n').map((line) =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .toLowerCase()
      .split(/\s+/),
  );
}

function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const [address = '', ...names] of wordsOf(text)) {
    for (const name of names) hosts.set(name, [...(hosts.get(name) ?? []), address]);
  }
  return hosts;
}

function parseResolver(text: string): { search: string[]; ndots: number } {
  let search: string[] = [];
  let ndots = 1;
  for (const [keyword, ...values] of wordsOf(text)) {
    if (keyword === 'search' || keyword === 'domain') search = values.slice(0, maxSearchDomains);
    for (const value of keyword === 'options' ? values : [])
      ndots = Number(/^ndots:(\d{1,2})$/.exec(value)?.[1] ?? ndots);
  }
  return { search: search.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''), ndots };
}
