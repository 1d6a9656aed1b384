import { Bench, type Check, type Checks, type ProbeKeys, summary } from './bench.ts';
import { checksumChecks, featureChecks, presignChecks } from './feature-checks.ts';
import { keyChecks, listingChecks } from './listing-checks.ts';
import { bucketChecks, objectChecks } from './object-checks.ts';
import { copyChecks, multipartChecks } from './upload-checks.ts';

const CHECK_MS_MAX = 120_000;

/** Every check, in its order. */
export const checks: Checks = {
  ...bucketChecks,
  ...objectChecks,
  ...listingChecks,
  ...keyChecks,
  ...multipartChecks,
  ...copyChecks,
  ...featureChecks,
  ...checksumChecks,
  ...presignChecks,
};

export interface CheckResult {
  readonly name: string;
  readonly outcome: 'ok' | 'partial' | 'failed';
  /** Why it is not ok, or what was seen. */
  readonly note: string;
}

/**
 * Uses the official SDK to check whether an S3 server has everything that copying objects needs, and returns the
 * results. It leaves two buckets behind, named `probe-…`.
 */
export async function runProbe(endpoint: string, keys: ProbeKeys): Promise<CheckResult[]> {
  using bench = new Bench(endpoint, keys);
  const results: CheckResult[] = [];
  for (const [name, check] of Object.entries(checks)) {
    results.push({ name, ...(await runCheck(check, bench)) });
  }
  return results;
}

async function runCheck(check: Check, bench: Bench): Promise<Omit<CheckResult, 'name'>> {
  const late = AbortSignal.timeout(CHECK_MS_MAX);
  try {
    const expired = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(new Error('took too long')));
    });
    return (await Promise.race([check(bench), expired])) ?? { outcome: 'ok', note: '' };
  } catch (error) {
    return { outcome: 'failed', note: summary(error) };
  }
}
