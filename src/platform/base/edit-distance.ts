/**
 * How many characters have to be inserted, removed or replaced to turn one text into the other (the
 * Levenshtein distance). Undefined where that is more than `max`.
 *
 * Texts whose lengths differ by more than `max` are not read. Of others, only the cells of the table are computed
 * that `max` edits can reach, so the work is bounded by the shorter text times `max`.
 */
export function editDistance(one: string, other: string, max: number): number | undefined {
  if (Math.abs(one.length - other.length) > max) return undefined;
  const beyond = max + 1;
  let above = Array.from({ length: other.length + 1 }, (_, column) => Math.min(column, beyond));
  for (let row = 1; row <= one.length; row++) {
    const line = new Array<number>(other.length + 1).fill(beyond);
    line[0] = Math.min(row, beyond);
    let least = line[0];
    for (
      let column = Math.max(1, row - max);
      column <= Math.min(other.length, row + max);
      column++
    ) {
      const replaced = at(above, column - 1) + (one[row - 1] === other[column - 1] ? 0 : 1);
      const edits = Math.min(replaced, at(above, column) + 1, at(line, column - 1) + 1, beyond);
      line[column] = edits;
      least = Math.min(least, edits);
    }
    // Later rows can only be larger.
    if (least > max) return undefined;
    above = line;
  }
  const distance = at(above, other.length);
  return distance > max ? undefined : distance;
}

function at(line: readonly number[], column: number): number {
  return line[column] ?? Infinity;
}
