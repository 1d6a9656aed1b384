type Cell = string | number | boolean | null | undefined;

/** Rows in columns, for people; one that says what is missing where there is none. */
export function table(
  rows: readonly Readonly<Record<string, Cell>>[],
  whenEmpty = 'There are none.',
): string {
  const [first] = rows;
  if (first === undefined) return whenEmpty;
  const heads = Object.keys(first);
  const lines = [heads, ...rows.map((row) => heads.map((head) => say(row[head])))];
  const widths = heads.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What others wrote moves no cursor and rings no bell. */
function say(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '-';
  return String(cell).replaceAll(/\p{C}/gu, '?');
}
