/**
 * How many characters have to be inserted, removed or replaced to turn one text into the other (the
 * Levenshtein distance). Undefined where that is more than `max`.
 *
 * Texts whose lengths differ by more than `max` are not read, so the work is bounded by the shorter text.
 */
export function editDistance(one: string, other: string, max: number): number | undefined {
  if (Math.abs(one.length - other.length) > max) return undefined;
  let above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const line = [row];
    for (let column = 1; column <= other.length; column++) {
      const replaced = at(above, column - 1) + (one[row - 1] === other[column - 1] ? 0 : 1);
      line.push(Math.min(replaced, at(above, column) + 1, at(line, column - 1) + 1));
    }
    // Later rows can only be larger.
    if (Math.min(...line) > max) return undefined;
    above = line;
  }
  const distance = at(above, other.length);
  return distance > max ? undefined : distance;
}

function at(line: readonly number[], column: number): number {
  return line[column] ?? Infinity;
}
