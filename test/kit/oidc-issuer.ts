import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** An issuer of tokens as OpenID Connect has them: discovery, keys that it can change, and faults. */
export interface OidcIssuer extends AsyncDisposable {
  /** As in `iss`. */
  readonly issuer: string;
  /** The paths of all requests, in their order. */
  readonly asked: readonly string[];
  /** Replaces its keys by a new one. */
  rotate(algorithm?: string): Promise<void>;
  /** While true it answers 503. */
  down: boolean;
  /** What its discovery says instead. */
  discovery: Readonly<Record<string, unknown>>;
  /** A token for an hour, signed by the newest key, unless `claims` say otherwise. */
  sign(
    claims?: Readonly<Record<string, unknown>>,
    header?: { readonly kid?: string; readonly typ?: string },
  ): Promise<string>;
}

interface Key {
  readonly algorithm: string;
  readonly kid: string;
  readonly pair: Awaited<ReturnType<typeof generateKeyPair>>;
}

export const AUDIENCE = 'bucket-brigade';

export async function startOidcIssuer(algorithm = 'ES256'): Promise<OidcIssuer> {
  const asked: string[] = [];
  let made = 0;
  let key = await makeKey(algorithm);

  async function makeKey(of: string): Promise<Key> {
    made += 1;
    return { algorithm: of, kid: `key-${made}`, pair: await generateKeyPair(of) };
  }

  async function answerTo(path: string | undefined): Promise<object | undefined> {
    if (path === '/realm/.well-known/openid-configuration') {
      return { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/keys`, ...issuer.discovery };
    }
    if (path !== '/realm/keys') return undefined;
    const jwk = await exportJWK(key.pair.publicKey);
    return { keys: [{ ...jwk, kid: key.kid, alg: key.algorithm, use: 'sig' }] };
  }

  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    void answerTo(request.url).then((body) => {
      response.statusCode = issuer.down ? 503 : body === undefined ? 404 : 200;
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body ?? {}));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const issuer: OidcIssuer = {
    issuer: `http://127.0.0.1:${port}/realm`,
    asked,
    down: false,
    discovery: {},
    async rotate(of = key.algorithm) {
      key = await makeKey(of);
    },
    async sign(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer.issuer, aud: AUDIENCE, sub: 'ann', iat: now, exp: now + 3_600 };
      return await new SignJWT({ ...payload, ...claims })
        .setProtectedHeader({ alg: key.algorithm, kid: key.kid, ...header })
        .sign(key.pair.privateKey);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return issuer;
}
