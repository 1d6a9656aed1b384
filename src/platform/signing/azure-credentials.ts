import { Secret } from '../base/seal.ts';
import type { AccessKey } from './access-key.ts';

/** How requests are authorized: by the account's key, or by a token that comes with each. */
export type AzureCredentials = AzureKeyCredentials | AzureSasCredentials;

interface AzureKeyCredentials {
  readonly kind: 'key';
  readonly account: string;
  readonly key: Secret;
  /** Where a connection string says that the service is. */
  readonly endpoint: string | undefined;
}

interface AzureSasCredentials {
  readonly kind: 'sas';
  readonly account: string;
  /** Without the leading `?`. */
  readonly token: Secret;
  readonly endpoint: string | undefined;
}

/** Credentials that cannot be understood. The message names what is wrong, never a value. */
export class AzureCredentialsError extends Error {
  override readonly name = 'AzureCredentialsError';
}

/**
 * Understands the pair of values that a task has for Azure: the account's name with its key, with a
 * SAS token, or with a connection string of either.
 *
 * @throws {AzureCredentialsError}
 */
export function azureCredentials({ accessKeyId, secretAccessKey }: AccessKey): AzureCredentials {
  const name = accessKeyId.trim();
  const secret = secretAccessKey.reveal().trim();
  if (connectionString.test(secret)) return fromConnectionString(name, secret);
  const account = checkedAccount(name);
  if (isSas(secret))
    return { kind: 'sas', account, token: checkedSas(secret), endpoint: undefined };
  if (!isAccountKey(secret)) {
    throw new AzureCredentialsError(
      'the secret is no account key (base64), no SAS token (with sig=) and no connection string',
    );
  }
  return { kind: 'key', account, key: new Secret(secret), endpoint: undefined };
}

const connectionString =
  /^(?:[^;=]*=[^;]*;)*\s*(?:AccountName|AccountKey|BlobEndpoint|SharedAccessSignature|DefaultEndpointsProtocol|EndpointSuffix|UseDevelopmentStorage)\s*=/i;

/** https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string */
function fromConnectionString(name: string, text: string): AzureCredentials {
  const parts = partsOf(text);
  if (parts.has('usedevelopmentstorage')) {
    throw new AzureCredentialsError(
      'UseDevelopmentStorage names no account: give the whole connection string',
    );
  }
  const given = parts.get('accountname');
  if (given !== undefined && name !== '' && name !== given) {
    throw new AzureCredentialsError(
      'the access key ID is another account than the AccountName of the connection string',
    );
  }
  const account = checkedAccount(given ?? name);
  const endpoint = endpointOf(parts, account);
  const key = parts.get('accountkey');
  const sas = parts.get('sharedaccesssignature');
  if (key !== undefined) {
    if (!isAccountKey(key)) throw new AzureCredentialsError('the AccountKey is no base64');
    return { kind: 'key', account, key: new Secret(key), endpoint };
  }
  if (sas === undefined) {
    throw new AzureCredentialsError(
      'the connection string has neither an AccountKey nor a SharedAccessSignature',
    );
  }
  if (!isSas(sas)) throw new AzureCredentialsError('the SharedAccessSignature has no sig=');
  return { kind: 'sas', account, token: checkedSas(sas), endpoint };
}

/** By names in lower case: Microsoft's own clients do not mind it either. */
function partsOf(text: string): Map<string, string> {
  const parts = new Map<string, string>();
  for (const part of text.split(';')) {
    const at = part.indexOf('=');
    if (part.trim() === '') continue;
    if (at === -1) {
      throw new AzureCredentialsError('the connection string is no list of Name=Value with ";"');
    }
    parts.set(part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim());
  }
  return parts;
}

function endpointOf(parts: ReadonlyMap<string, string>, account: string): string | undefined {
  const endpoint = parts.get('blobendpoint');
  if (endpoint !== undefined) {
    if (!/^https?:\/\//i.test(endpoint) || !URL.canParse(endpoint)) {
      throw new AzureCredentialsError('the BlobEndpoint of the connection string is no URL');
    }
    return endpoint;
  }
  const suffix = parts.get('endpointsuffix');
  if (suffix === undefined) return undefined;
  const url = `${parts.get('defaultendpointsprotocol') ?? 'https'}://${account}.blob.${suffix}`;
  if (!/^[\w.-]+$/.test(suffix) || !/^https?:/i.test(url)) {
    throw new AzureCredentialsError('the EndpointSuffix or protocol makes no address');
  }
  return url;
}

/** https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name */
function checkedAccount(name: string): string {
  if (/^[a-z0-9]{3,24}$/.test(name)) return name;
  throw new AzureCredentialsError(
    'the access key ID must be the name of the storage account: 3 to 24 lower-case letters and digits',
  );
}

function isAccountKey(text: string): boolean {
  return text.length % 4 === 0 && /^[\w+/]{4,}={0,2}$/.test(text) && !text.includes('_');
}

function isSas(text: string): boolean {
  return /(?:^|[?&])sig=/.test(text);
}

/** It becomes a part of each URL, so it must not end the query or the line. */
function checkedSas(text: string): Secret {
  const token = text.replace(/^\?/, '').replace(/&$/, '');
  if (/^[\w%&=.~:+/*,;!()'@$-]+$/.test(token)) return new Secret(token);
  throw new AzureCredentialsError(
    'the SAS token has characters that a URL cannot have: give it as Azure shows it',
  );
}
