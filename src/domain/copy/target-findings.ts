/** What copies have found out about a target, kept for as long as its bucket is open. */
export interface TargetFindings {
  /** An object was read back whole, and had another MD5 than its ETag, which looks like one. */
  etagsAreNoMd5: boolean;
  /** A part was answered with another ETag than its MD5: parts are sent with their MD5, to have it compared. */
  partsNeedMd5: boolean;
}
