import { readdirSync, readFileSync } from 'node:fs';

/** What a process and its descendants used: CPU until now, and memory at its most. */
export interface Usage {
  /** Seconds of user and system time, of those that have ended as well. */
  readonly cpuSeconds: number;
  /** Sum over the processes of what is theirs alone: shared pages count once at most. */
  readonly memoryBytes: number;
}

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly ticks: number;
}

const TICKS_A_SECOND = 100;

/** The fields of `/proc/PID/stat`: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function readRow(pid: number): Row | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = text.lastIndexOf(')');
    const fields = text
      .slice(end + 2)
      .split(' ')
      .map(Number);
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + (fields[index] ?? 0), 0);
    return { pid, parent: fields[1] ?? 0, name: text.slice(text.indexOf('(') + 1, end), ticks };
  } catch {
    return undefined; // It ended while we looked.
  }
}

/** A process and all that came from it, as they are now. */
function tree(root: number): Row[] {
  const rows = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readRow(Number(name)))
    .filter((row) => row !== undefined);
  const inside = new Set([root]);
  for (let before = 0; before !== inside.size; ) {
    before = inside.size;
    for (const row of rows) if (inside.has(row.parent)) inside.add(row.pid);
  }
  return rows.filter((row) => inside.has(row.pid));
}

/** Proportional memory, so that what PostgreSQL's processes share is counted once. */
function memoryOf(pid: number): number {
  try {
    const pss = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return Number(pss?.[1] ?? 0) * 1024;
  } catch {
    return 0; // It ended while we looked.
  }
}

/** What a tree of processes uses, its database apart. */
export function usageOf(root: number): { readonly service: Usage; readonly database: Usage } {
  const rows = tree(root);
  const isDatabase = ({ name }: Row): boolean => name.startsWith('postgres');
  return {
    service: sum(rows.filter((row) => !isDatabase(row))),
    database: sum(rows.filter(isDatabase)),
  };
}

function sum(rows: readonly Row[]): Usage {
  return {
    cpuSeconds: rows.reduce((total, { ticks }) => total + ticks, 0) / TICKS_A_SECOND,
    memoryBytes: rows.reduce((total, { pid }) => total + memoryOf(pid), 0),
  };
}

/** Looks at memory from time to time; gives the most that was seen. */
export function watchMemory(root: number): { stop(): { service: number; database: number } } {
  let service = 0;
  let database = 0;
  const timer = setInterval(() => {
    const now = usageOf(root);
    service = Math.max(service, now.service.memoryBytes);
    database = Math.max(database, now.database.memoryBytes);
  }, 500);
  return {
    stop() {
      clearInterval(timer);
      return { service, database };
    },
  };
}
