import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { startOidcIssuer } from './oidc-issuer.ts';

/** An issuer in a separate process, which shares with the service only what it publishes. */
export interface OidcIssuerProcess extends AsyncDisposable {
  readonly issuer: string;
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
}

export async function forkOidcIssuer(): Promise<OidcIssuerProcess> {
  const child = fork(new URL(import.meta.url));
  const [issuer] = (await once(child, 'message')) as [string];
  return {
    issuer,
    async sign(claims) {
      const signed = once(child, 'message');
      child.send(claims);
      const [token] = (await signed) as [string];
      return token;
    },
    [Symbol.asyncDispose]: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
}

/** Runs in the fork: sends its issuer, and signs the claims that it receives, until the parent disconnects. */
async function serve(): Promise<void> {
  const issuer = await startOidcIssuer();
  process.on('message', (claims: Record<string, unknown>) => {
    void issuer.sign(claims).then((token) => process.send?.(token));
  });
  process.on('disconnect', () => void issuer[Symbol.asyncDispose]());
  process.send?.(issuer.issuer);
}

if (process.argv[1] === import.meta.filename && process.send !== undefined) await serve();
