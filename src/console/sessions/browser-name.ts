/** Names of browsers in a User-Agent, in the order in which they are looked for: most also name the ones they imitate. */
const browsers = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Firefox', 'Firefox'],
  ['Chrome', 'Chrome'],
  ['Version', 'Safari'],
] as const;
const systems = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
] as const;

/** Shortens a User-Agent for people: `Firefox 140, Windows`. One of another kind stays as it is. */
export function browserName(agent: string): string {
  const browser = browsers
    .map(([token, name]) => [name, new RegExp(`${token}/(\\d{1,4})`).exec(agent)?.[1]] as const)
    .find(([, version]) => version !== undefined);
  if (browser === undefined) return agent;
  const system = systems.find(([pattern]) => pattern.test(agent));
  return `${browser.join(' ')}${system === undefined ? '' : `, ${system[1]}`}`;
}
