import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../../src/platform/base/seal.ts';
import { azureServiceSas } from '../../src/platform/signing/azure-sas.ts';
import {
  type AzureAccountKey,
  AzureSharedKeySigner,
} from '../../src/platform/signing/azure-shared-key.ts';
import { startProgram } from '../kit/child-process.ts';

/** Microsoft's emulator of Azure Blob Storage, in a separate process. */
export interface Azurite extends AsyncDisposable {
  /** Scheme, host and port. */
  readonly url: string;
  readonly accountKey: AzureAccountKey;
  /** Makes an empty container. */
  createContainer(name: string): Promise<void>;
}

const program = join(import.meta.dirname, 'node_modules/azurite/dist/src/blob/main.js');

/** Why it cannot run here; undefined where it can. */
export function azuriteUnavailable(): string | undefined {
  return existsSync(program) ? undefined : 'Azurite is not there: run npm ci in test/clouds';
}

export async function startAzurite(): Promise<Azurite> {
  const location = await mkdtemp(join(tmpdir(), 'azurite-'));
  const accountKey = {
    account: 'brigade',
    key: new Secret(randomBytes(64).toString('base64')),
  };
  const child = startProgram(
    [
      ...[process.execPath, program, '--blobHost', '127.0.0.1', '--blobPort', '0'],
      ...['--location', location, '--skipApiVersionCheck', '--disableTelemetry'],
    ],
    { AZURITE_ACCOUNTS: `${accountKey.account}:${accountKey.key.reveal()}` },
  );
  const [, url = ''] = await child.line(/listens on (http:\S+)/);
  return {
    url,
    accountKey,
    createContainer: (name) => createContainer(url, accountKey, name),
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await rm(location, { recursive: true, force: true });
    },
  };
}

async function createContainer(url: string, key: AzureAccountKey, name: string): Promise<void> {
  const path = `/${key.account}/${name}`;
  const query = { restype: 'container' };
  const headers = { 'x-ms-date': new Date().toUTCString(), 'x-ms-version': '2021-12-02' };
  const authorization = new AzureSharedKeySigner(key).authorization({
    ...{ method: 'PUT', path, query, size: 0 },
    headers: Object.entries(headers).flat(),
  });
  const reply = await fetch(`${url}${path}?restype=container`, {
    method: 'PUT',
    headers: { ...headers, authorization },
  });
  if (reply.status !== 201) throw new Error(`no container: ${reply.status} ${await reply.text()}`);
}

/** A token that may do all that a store does in a container. */
export function containerSas(key: AzureAccountKey, container: string): string {
  const expiresAt = Date.now() + 3_600_000;
  return azureServiceSas(key, { container, permissions: 'rcwdl', expiresAt });
}
