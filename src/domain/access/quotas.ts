import { Remembered } from '../../platform/base/remembered.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { findProject } from './projects-table.ts';

/** A process caches a quota this long, even if another process changes it meanwhile. */
const BELIEVED_MS = 5_000;
const BELIEVED_MAX = 1_000;

/** A limit of a project, and which of the two says so. */
export interface Quota {
  readonly max: number;
  /** Whether it is the project's own limit; otherwise it is the one in the settings. */
  readonly own: boolean;
}

/** What is wrong with an event that names more objects than its quota allows. */
export function tooManyKeys({ max, own }: Quota): string {
  const limit = own ? '{project.eventKeysMax} of the project' : '{settings.eventKeysMax}';
  return `[keys] must not have more than ${max} items; send several requests, or raise ${limit}`;
}

/** How many names one event may have: the project's own limit, or the one in the settings. */
export class EventQuotas {
  readonly #database: Database;
  readonly #standard: number;
  readonly #known: Remembered<Quota>;

  constructor(options: {
    readonly database: Database;
    readonly eventKeysMax: number;
    readonly now: () => number;
  }) {
    this.#database = options.database;
    this.#standard = options.eventKeysMax;
    this.#known = new Remembered({ forMs: BELIEVED_MS, max: BELIEVED_MAX, now: options.now });
  }

  /** @param wanted A cached limit below this is read again from the database, because it may have been raised. */
  of(projectId: string, wanted = 0): Promise<Quota> {
    const ask = async (): Promise<Quota> => {
      const own = (await findProject(this.#database, projectId))?.eventKeysMax;
      return { max: own ?? this.#standard, own: own !== undefined };
    };
    return this.#known.get(projectId, ask, ({ max }) => max >= wanted);
  }

  /** Clears the cache, after this process has changed a project. */
  forget(): void {
    this.#known.clear();
  }
}
