import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A separate file system. Disposing of it removes it. */
export interface SmallDisk extends Disposable {
  readonly path: string;
}

/** Why a test that needs one is skipped. */
export const NO_DISK = 'a file system cannot be mounted here';

/**
 * Mounts a file system in memory, such as one of limited size (`size=64k`) or one that is read-only (`ro`).
 *
 * @returns Undefined where this process may not mount.
 */
export function mountDisk(options: string): SmallDisk | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const path = mkdtempSync(join(tmpdir(), 'brigade-disk-'));
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
  if (mount.status === 0) {
    return {
      path,
      [Symbol.dispose]() {
        spawnSync('umount', [path]);
        rmSync(path, { recursive: true });
      },
    };
  }
  rmSync(path, { recursive: true });
  return undefined;
}
