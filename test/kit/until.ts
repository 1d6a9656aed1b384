import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until something is so that nothing signals, such as rows in a database or requests that a server has seen.
 *
 * @throws {Error} naming it, after `seconds`.
 */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  seconds = 30,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not after ${seconds} s: ${what}`);
    await sleep(10);
  }
}
