import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/*
 * Asks the registry for what is known against the packages that are shipped, and fails on what is high
 * or worse and not accepted. Run by `.ci/run`.
 */

/** A finding that we live with for a while. */
interface Accepted {
  /** `GHSA-xxxx-xxxx-xxxx`. */
  readonly advisory: string;
  /** The last day on which it is, as `2026-12-31`. */
  readonly until: string;
  /** Why it does no harm here, or why there is no way out yet. */
  readonly reason: string;
}

interface Advisory {
  readonly name: string;
  readonly title: string;
  readonly url: string;
  readonly severity: string;
}

/** What `npm audit --json` says; a package may be there by an advisory, or by a package that it needs. */
interface Report {
  readonly vulnerabilities?: Readonly<
    Record<string, { readonly via: readonly (Advisory | string)[] }>
  >;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

export interface Verdict {
  readonly failed: boolean;
  readonly lines: readonly string[];
}

const serious: ReadonlySet<string> = new Set(['high', 'critical']);

function judge(report: Report, accepted: readonly Accepted[], today: string): Verdict {
  if (report.vulnerabilities === undefined) {
    const why = report.message ?? report.error?.summary ?? 'no answer';
    return { failed: false, lines: [`skipped: audit of dependencies (the registry: ${why})`] };
  }
  const found = Object.values(report.vulnerabilities)
    .flatMap(({ via }) => via)
    .filter((via) => typeof via !== 'string')
    .filter(({ severity }) => serious.has(severity));
  let failed = false;
  const lines = found.map(({ name, title, url, severity }) => {
    const id = url.split('/').at(-1) ?? '';
    const known = accepted.find(({ advisory }) => advisory === id);
    const good = known !== undefined && known.reason.trim() !== '' && known.until >= today;
    failed ||= !good;
    const expired = known !== undefined && known.until < today ? ', accepted no longer' : '';
    const how = good ? `accepted until ${known.until}: ${known.reason}` : `${severity}${expired}`;
    return `${name}: ${title} (${url}); ${how}`;
  });
  return { failed, lines: [...lines, `audit of dependencies: ${found.length} serious findings`] };
}

/** @param options `registry` is npm's own unless given. */
export async function auditDependencies(options: {
  readonly accepted: readonly Accepted[];
  readonly today: string;
  readonly registry?: string;
}): Promise<Verdict> {
  const { accepted, today, registry } = options;
  const flags = ['--json', '--omit=dev', '--fetch-retries=0', '--fetch-timeout=60000'];
  if (registry !== undefined) flags.push('--registry', registry);
  const root = new URL('../../', import.meta.url);
  const output = await new Promise<string>((resolve) => {
    // Its exit code says no more than its words: findings and a silent registry are both a failure.
    execFile('npm', ['audit', ...flags], { cwd: root }, (_error, stdout) => resolve(stdout));
  });
  return judge(parse(output), accepted, today);
}

function parse(output: string): Report {
  try {
    return JSON.parse(output) as Report;
  } catch {
    return { message: 'not JSON' };
  }
}

if (import.meta.main) {
  const file = new URL('../../.ci/accepted-advisories.json', import.meta.url);
  const accepted = JSON.parse(await readFile(file, 'utf8')) as Accepted[];
  const today = new Date().toISOString().slice(0, 10);
  const { failed, lines } = await auditDependencies({ accepted, today });
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = failed ? 1 : 0;
}
