import { forgetAttempts } from '../queue/changes.ts';
import type { Db } from '../../platform/postgres/db.ts';
import {
  abandonUpload,
  insertPart,
  insertUpload,
  removeUpload,
  setUploadId,
  takeUpUpload,
  type UploadOf,
} from './uploads.ts';
import type { Claim } from '../queue/work.ts';
import {
  type CheckedPart,
  type IntendedUpload,
  type JournaledUpload,
  LeaseLost,
  type UploadJournal,
} from './transfer.ts';

/** The upload of a claimed key, in the database; and how often the work on the key got nowhere. */
export class ClaimJournal implements UploadJournal {
  /** The attempt that this one counts as. */
  attempt: number;
  readonly #database: Db;
  readonly #claim: Claim;
  /** Not there before one was found or intended, and so before there is anything to say of it. */
  #upload: UploadOf;
  #begunHere = false;

  constructor(database: Db, claim: Claim) {
    this.#database = database;
    this.#claim = claim;
    this.#upload = { taskId: claim.taskId, key: claim.key, id: '0' };
    this.attempt = claim.attempt;
  }

  async find(): Promise<JournaledUpload | undefined> {
    const found = await takeUpUpload(this.#database, this.#claim);
    if (found === undefined) return undefined;
    const { id, ...row } = found.upload;
    this.#upload = { ...this.#upload, id };
    const parts = found.parts.map(({ number, etag, md5, crc64, crc64nvme }) => {
      return { number, etag, md5, crc64, crc64nvme };
    });
    const { uploadId, optionsHash } = row;
    return { ...row, uploadId, optionsHash, parts };
  }

  async intend(upload: IntendedUpload): Promise<void> {
    this.#begunHere = true;
    const id = await insertUpload(this.#database, this.#claim, upload);
    this.#upload = { ...this.#upload, id };
  }

  async opened(uploadId: string): Promise<void> {
    if (await setUploadId(this.#database, this.#upload, uploadId)) return;
    throw new LeaseLost(`the right to ${this.#upload.key} ended`);
  }

  async checked(part: CheckedPart): Promise<void> {
    await insertPart(this.#database, this.#upload, part);
    // An upload begun here may be one more of those that come to nothing; one taken up gets on.
    if (this.#begunHere || this.attempt === 1) return;
    this.attempt = 1;
    await forgetAttempts(this.#database, this.#claim);
  }

  async abandoned(): Promise<void> {
    await abandonUpload(this.#database, this.#upload);
  }

  async ended(): Promise<void> {
    await removeUpload(this.#database, this.#upload);
  }
}
