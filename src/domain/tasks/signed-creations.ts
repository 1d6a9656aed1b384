import type { Database, Db } from '../../platform/postgres/db.ts';
import {
  findSignedCreation,
  insertSignedCreation,
  type SignedCreation,
} from '../../platform/postgres/signed-creations.ts';
import { ServiceError } from '../service-error.ts';

/** How long an equal signed request is answered with what the first one created. */
export const REPEAT_MS = 60_000;

export interface Created {
  readonly id: string;
  /** Nothing was created now: an equal request has created it before. */
  readonly repeated: boolean;
}

/**
 * Stores what is created, in the transaction of the creation, and before anything that counts.
 *
 * @returns What an equal request has created before: then nothing must be created.
 */
export type StoreCreation = (db: Db, id: string) => Promise<Created | undefined>;

/**
 * Signed requests that create something, each carried out once: clients sign to the second, and an official SDK
 * may send one creation twice. The table of the database decides, for all processes. Within one process an
 * equal request waits for the first instead of working beside it.
 */
export class SignedCreations {
  readonly #database: Database;
  readonly #running = new Map<string, Promise<Created>>();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Runs `create`, unless an equal request has created something: then that is the answer. A creation that
   * fails stores nothing, so that the request may be sent again.
   *
   * @param signedCall Identifies a signed request, 64 hexadecimal digits; undefined for others, which
   *   create something each time.
   * @throws {ServiceError} `signature-used` when the first equal request was too long ago.
   */
  async once(
    signedCall: string | undefined,
    create: (store: StoreCreation) => Promise<Created>,
  ): Promise<Created> {
    if (signedCall === undefined) return await create(async () => undefined);
    const first = this.#running.get(signedCall);
    if (first !== undefined) return { ...(await first), repeated: true };
    const running = this.#create(Buffer.from(signedCall, 'hex'), create);
    this.#running.set(signedCall, running);
    try {
      return await running;
    } finally {
      this.#running.delete(signedCall);
    }
  }

  async #create(
    digest: Uint8Array,
    create: (store: StoreCreation) => Promise<Created>,
  ): Promise<Created> {
    const earlier = await findSignedCreation(this.#database, digest);
    if (earlier !== undefined) return repeatOf(earlier);
    return await create(async (db, id) => {
      const stored = await insertSignedCreation(db, digest, id);
      return stored === undefined ? undefined : repeatOf(stored);
    });
  }
}

function repeatOf({ createdId, ageMs }: SignedCreation): Created {
  if (ageMs < REPEAT_MS) return { id: createdId, repeated: true };
  throw new ServiceError(
    'signature-used',
    'Incorrect IAM authentication information: this signature was used already; sign the request again',
  );
}
