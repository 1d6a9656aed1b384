import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * How many files and sockets this process may have open; undefined where the system does not report it.
 * Node itself has raised the soft limit to the hard one when it started.
 */
export function openFilesMax(): number | undefined {
  try {
    return limitOf(/^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  } catch {
    // Not Linux: a child has the same limit.
  }
  try {
    return limitOf(execFileSync('/bin/sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim());
  } catch {
    return undefined;
  }
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === 'unlimited') return Number.POSITIVE_INFINITY;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
