import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { mock } from 'node:test';

/**
 * Names below `localhost` lead home on few machines only; from here on they do, until
 * {@link forgetLocalhost}.
 */
export function resolveLocalhost(): void {
  const real = dns.lookup;
  const home = ((name: string, ...rest: unknown[]): void => {
    const known = name.endsWith('.localhost') ? '127.0.0.1' : name;
    Reflect.apply(real, dns, [known, ...rest]);
  }) as typeof dns.lookup;
  mock.method(dns, 'lookup', home);
  syncBuiltinESMExports();
}

export function forgetLocalhost(): void {
  mock.restoreAll();
  syncBuiltinESMExports();
}
