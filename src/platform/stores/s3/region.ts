import type { S3Dialect } from './dialect.ts';

type Regions = Pick<S3Dialect, 'regions'>;

/** A region as the cloud's addresses spell it, however it was named. */
export function regionName({ regions }: Regions, region: string): string {
  const { prefix, aliases } = regions;
  const bare = region.startsWith(prefix) ? region.slice(prefix.length) : region;
  return named(aliases, bare) ?? bare;
}

/** Not what every object has, for a region may have any name: `constructor`, too. */
function named(names: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined;
}

/** What a signature calls a region. */
export function scopeOf(dialect: Regions, region: string): string {
  const name = regionName(dialect, region);
  const { scopes } = dialect.regions;
  return named(scopes, name) ?? scopes['*'] ?? name;
}

/** The cloud's own address for a region; undefined where only an operator can know. */
export function endpointOf(
  dialect: Regions & Pick<S3Dialect, 'endpoints'>,
  region: string,
): string | undefined {
  const name = regionName(dialect, region);
  const found = dialect.endpoints.find(({ regions }) => regions.test(name));
  return found?.url.replace('{region}', () => name);
}
