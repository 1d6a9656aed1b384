import { setTimeout as sleep } from 'node:timers/promises';
import { Presets, SingleBar } from 'cli-progress';
import { formatBytes } from '../../src/platform/base/bytes.ts';
import type { ShownTask } from '../../test/kit/oms-client.ts';

const EVERY_MS = 250;

/** Shows how far a task is until all its objects are settled: as a bar on a terminal, else as lines. */
export async function progress(
  show: () => Promise<ShownTask>,
  all: { readonly objects: number; readonly bytes: number },
  signal: AbortSignal,
): Promise<void> {
  const bar = new SingleBar(
    {
      format:
        '  {bar} {percentage}% | {value}/{total} objects | {moved} of {bytes} | {failed} failed',
      noTTYOutput: true,
      notTTYSchedule: 2000,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  bar.start(all.objects, 0, { moved: '0 B', bytes: formatBytes(all.bytes), failed: 0 });
  try {
    for (;;) {
      const task = await show();
      const settled =
        task.monthly_success_object + task.monthly_failure_object + task.monthly_skip_object;
      bar.update(settled, {
        moved: formatBytes(task.monthly_size),
        failed: task.monthly_failure_object,
      });
      if (settled >= all.objects) return;
      await sleep(EVERY_MS, undefined, { signal });
    }
  } finally {
    bar.stop();
  }
}
