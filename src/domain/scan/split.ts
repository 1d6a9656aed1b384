import { compareKeys } from '../../platform/stores/keys.ts';

/** The first key of a listing above `after`; undefined where there is none. */
export type Probe = (after: string) => Promise<string | undefined>;

/** Above every key that begins with the same text, but for such as go on with this character. */
const HIGHEST = '\u{10FFFF}';
const LAST_CODE_POINT = 0x10ffff;
const LAST_ASCII = 0x7f;
const SURROGATES = { first: 0xd800, last: 0xdfff };

/**
 * Finds where to cut what is left of a range, so that both parts have keys. Costs some ten list requests of one key.
 *
 * Keys often share a long beginning, within which no cut would part them. So the first place is sought where a key
 * differs from the cursor's, by bisection over the cursor's length; all keys that are left share what lies before it.
 * The characters at that place are then halved until keys lie above the middle. Only whole characters are cut at:
 * a store may refuse a key that is no text.
 *
 * @returns A key above the cursor with at least one key above it; undefined where nothing was found.
 */
export async function findCut(
  { cursor, until }: { readonly cursor: string; readonly until?: string | undefined },
  probe: Probe,
): Promise<string | undefined> {
  const at = Array.from(cursor);
  const prefix = (length: number): string => at.slice(0, length).join('');
  const above = async (key: string): Promise<string | undefined> => {
    const found = await probe(key);
    return found === undefined || (until !== undefined && compareKeys(found, until) > 0)
      ? undefined
      : found;
  };
  let [empty, branch] = [0, at.length];
  let found = await above(prefix(branch) + HIGHEST);
  if (found === undefined) return undefined;
  while (branch - empty > 1) {
    const middle = Math.floor((empty + branch) / 2);
    const next = await above(prefix(middle) + HIGHEST);
    if (next === undefined) empty = middle;
    else [branch, found] = [middle, next];
  }
  const shared = branch === 0 ? '' : prefix(branch - 1);
  const least = codePointAt(found, shared) ?? 1;
  return (
    (await halved(shared, { least, most: await mostOf(shared, until, above) }, above)) ??
    prefix(branch) + HIGHEST
  );
}

/** The code point that follows a beginning; undefined where the key does not begin so, or ends there. */
function codePointAt(key: string | undefined, shared: string): number | undefined {
  return key?.startsWith(shared) === true ? key.codePointAt(shared.length) : undefined;
}

async function mostOf(shared: string, until: string | undefined, above: Probe): Promise<number> {
  const ofEnd = codePointAt(until, shared);
  if (ofEnd !== undefined) return ofEnd;
  const ascii = (await above(shared + String.fromCodePoint(LAST_ASCII))) === undefined;
  return ascii ? LAST_ASCII : LAST_CODE_POINT;
}

/** Halves the code points from `least` to `most`, until a key lies above the middle. */
async function halved(
  shared: string,
  { least, most }: { readonly least: number; readonly most: number },
  above: Probe,
): Promise<string | undefined> {
  for (let high = most; high > least; ) {
    const middle = Math.floor((least + high) / 2);
    const cut = shared + textOf(middle);
    const found = await above(cut);
    if (found !== undefined && found.startsWith(shared)) return cut;
    high = middle;
  }
  return undefined;
}

function textOf(codePoint: number): string {
  const lone = codePoint >= SURROGATES.first && codePoint <= SURROGATES.last;
  return String.fromCodePoint(lone ? SURROGATES.first - 1 : Math.max(codePoint, 1));
}
