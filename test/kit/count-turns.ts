/** Counts the turns of the event loop, and notes in which of them something happens. */
export function countTurns(): {
  readonly noted: readonly number[];
  note(): void;
  stop(): void;
} {
  const noted: number[] = [];
  let turn = 0;
  const next = (): void => {
    turn += 1;
    pending = setImmediate(next);
  };
  let pending = setImmediate(next);
  return { noted, note: () => noted.push(turn), stop: () => clearImmediate(pending) };
}
