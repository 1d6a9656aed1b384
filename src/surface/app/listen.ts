import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { singleSignOn } from '../../domain/access/single-sign-on.ts';
import type { Sockets } from '../../platform/http/sockets.ts';
import { boundConnections } from '../api/kit/connection-bound.ts';
import { buildApi, buildOperations, type TlsSettings } from '../api/server.ts';
import type { Settings } from '../settings/config.ts';
import type { Brigade } from './brigade.ts';
import { StartError } from './open-database.ts';
import type { Parts } from './parts.ts';

/**
 * Listens at the address of the settings: with the API where the process has that role, else for health and
 * metrics alone.
 *
 * @returns The URL of the server.
 * @throws {StartError} when the address cannot be had.
 */
export async function listen(
  started: AsyncDisposableStack,
  parts: Parts,
  {
    brigade,
    tls,
    connectionsMax,
    sockets,
  }: {
    readonly brigade: Brigade;
    readonly tls: TlsSettings | undefined;
    readonly connectionsMax: number;
    readonly sockets: Sockets;
  },
): Promise<string> {
  const { host, port } = parts.settings;
  const app = await serverOf(parts, brigade, tls);
  boundConnections(app.server, connectionsMax, (reclaim) => sockets.lend(reclaim));
  started.defer(() => app.close());
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (typeof code !== 'string') throw error;
    const why = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${code})`;
    const message = `the address ${host}:${port} ${why}; choose others by BRIGADE_PORT and BRIGADE_HOST`;
    throw new StartError(message, { cause: error });
  }
}

function serverOf(
  { clock, log, metrics, settings }: Parts,
  { api, health }: Brigade,
  tls: TlsSettings | undefined,
): Promise<FastifyInstance> {
  const server = { clock, health, metrics, log, tls, trustProxy: settings.trustProxy };
  if (api === undefined) return buildOperations(server);
  const { gatekeeper } = api;
  return buildApi({
    ...server,
    ...api,
    limits: settings,
    singleSignOn: singleSignOn({
      ...{ issuers: settings.oidc, log, clock },
      userNamed: (name) => gatekeeper.userNamed(name),
    }),
  });
}

/** @throws {StartError} when certificate or key cannot be used. */
export async function readTls({
  tlsCertFile,
  tlsKeyFile,
  tlsMinVersion: minVersion,
}: Settings): Promise<TlsSettings | undefined> {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  const cert = await readPem(tlsCertFile, 'BRIGADE_TLS_CERT_FILE');
  const key = await readPem(tlsKeyFile, 'BRIGADE_TLS_KEY_FILE');
  try {
    createSecureContext({ cert, key, minVersion });
  } catch (cause) {
    const message =
      'BRIGADE_TLS_CERT_FILE and BRIGADE_TLS_KEY_FILE must be a certificate and its key, in PEM, the key without a passphrase';
    throw new StartError(message, { cause });
  }
  return { cert, key, minVersion };
}

async function readPem(path: string, variable: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new StartError(`${variable}: ${path} cannot be read`, { cause });
  }
}
