/** Of the objects of an estimate, by size: `sizeClassEnds` in src/domain/scan/estimate.ts. */
export const sizeClasses = [0, 1, 2, 3, 4, 5, 6, 7] as const;
export type SizeClass = (typeof sizeClasses)[number];

/**
 * Further counters of a scan, which only some kinds have. `equal…`: by what an equal key of a verification was proven,
 * the strongest first. `reported`: rows of its report. `heads`: HEAD requests that it has sent. `deep…`: pairs that were
 * read, and the bytes of both sides. All others are of an estimate: what a backfill would copy, look at, skip, and not be
 * able to copy, and which requests that takes.
 */
export type TallyName =
  | 'equalBytes'
  | 'equalChecksum'
  | 'equalRecorded'
  | 'equalSizeTime'
  | 'unreadable'
  | 'reported'
  | 'heads'
  | 'deepObjects'
  | 'deepBytes'
  | 'copyObjects'
  | 'copyBytes'
  | 'lookObjects'
  | 'lookBytes'
  | 'skipObjects'
  | 'skipBytes'
  | 'tooLargeObjects'
  | 'sourceHeads'
  | 'sourceGets'
  | 'targetHeads'
  | 'targetPuts'
  | 'targetUploads'
  | 'targetParts'
  | 'targetCompletes'
  | `size${SizeClass}Objects`
  | `size${SizeClass}Bytes`;

/** Counters that are absent are 0. */
export type Tally = Readonly<Partial<Record<TallyName, number>>>;

/** The sum of several. */
export function tallied(tallies: Iterable<Tally>): Tally {
  const sum: Partial<Record<string, number>> = {};
  for (const tally of tallies) {
    for (const [name, count] of Object.entries(tally)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}

const seen: ReadonlySet<string> = new Set<TallyName>([
  ...(['heads', 'deepObjects', 'deepBytes'] as const),
  ...sizeClasses.flatMap((index) => [`size${index}Objects`, `size${index}Bytes`] as const),
]);

/** Of the counters of a pair, those of what was listed, read and requested, whatever is to be done with the object. */
export function seenOf(tally: Tally): Tally {
  return Object.fromEntries(Object.entries(tally).filter(([name]) => seen.has(name)));
}
