import { createHmac, hash } from 'node:crypto';
import { S3Error } from '../s3-error.ts';
import {
  checkExpiry,
  checkSkew,
  checkSignature,
  encodeStrictly,
  type Gate,
  headerText,
  parseBasicTime,
  rawHeader,
  sameText,
  type Scheme,
  secretOf,
  type Signed,
} from '../signed.ts';

const ALGORITHM = 'OSS4-HMAC-SHA256';
const EXPIRES_MAX_S = 7 * 24 * 3600;

/** OSS developer reference, "Include a V4 signature in the Authorization header" and "… in a URL". */
export const ossV4: Scheme = {
  claims: (signed) =>
    rawHeader(signed, 'authorization')?.startsWith(`${ALGORITHM} `) === true ||
    signed.query.get('x-oss-signature-version') === ALGORITHM,
  verify(signed, gate) {
    const claim =
      rawHeader(signed, 'authorization') === undefined ? queryClaim(signed) : headerClaim(signed);
    const [accessKeyId = '', date = '', region = '', ...rest] = claim.credential.split('/');
    if (rest.join('/') !== 'oss/aliyun_v4_request' || !claim.timestamp.startsWith(date)) {
      throw new S3Error('InvalidArgument', 'Invalid Credential in the signature.');
    }
    if (gate.region !== undefined && region !== gate.region) {
      throw new S3Error('InvalidArgument', 'Invalid signing region in the signature.');
    }
    checkTime(gate, claim);
    const secret = secretOf(gate, accessKeyId);
    const scope = claim.credential.slice(accessKeyId.length + 1);
    let key: string | Buffer = `aliyun_v4${secret}`;
    for (const word of scope.split('/')) key = createHmac('sha256', key).update(word).digest();

    function signatureOf(canonical: string): string {
      const text = [ALGORITHM, claim.timestamp, scope, hash('sha256', canonical, 'hex')].join('\n');
      return createHmac('sha256', key).update(text).digest('hex');
    }

    // The reference writes a parameter without a value by its name alone; the vendor's SDK for Node
    // signs `prefix=`, and is served.
    const bare = canonicalRequest(signed, claim, '');
    if (sameText(signatureOf(bare), claim.signature)) return undefined;
    const spelt = canonicalRequest(signed, claim, '=');
    checkSignature(signatureOf(spelt), claim.signature, spelt);
    return undefined;
  },
};

interface Claim {
  readonly credential: string;
  readonly additional: readonly string[];
  readonly signature: string;
  readonly timestamp: string;
  /** Seconds; undefined for a request that is signed in its headers. */
  readonly expires: number | undefined;
}

function headerClaim(signed: Signed): Claim {
  const authorization = rawHeader(signed, 'authorization') ?? '';
  const match =
    /^OSS4-HMAC-SHA256 Credential=([^,]+), ?(?:AdditionalHeaders=([^,]*), ?)?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  const [, credential, additional = '', signature] = match ?? [];
  if (credential === undefined || signature === undefined) {
    throw new S3Error('InvalidArgument', 'Invalid Authorization header.');
  }
  if (rawHeader(signed, 'x-oss-content-sha256') !== 'UNSIGNED-PAYLOAD') {
    throw new S3Error('InvalidArgument', 'x-oss-content-sha256 must be UNSIGNED-PAYLOAD.');
  }
  const timestamp = rawHeader(signed, 'x-oss-date') ?? '';
  return { credential, additional: list(additional), signature, timestamp, expires: undefined };
}

function queryClaim({ query }: Signed): Claim {
  return {
    credential: query.get('x-oss-credential') ?? '',
    additional: list(query.get('x-oss-additional-headers') ?? ''),
    signature: query.get('x-oss-signature') ?? '',
    timestamp: query.get('x-oss-date') ?? '',
    expires: Number(query.get('x-oss-expires')),
  };
}

function list(names: string): string[] {
  return names === '' ? [] : names.split(';');
}

function checkTime(gate: Gate, { timestamp, expires }: Claim): void {
  const signedAt = parseBasicTime(timestamp);
  if (expires === undefined || signedAt === undefined) {
    checkSkew(gate, signedAt);
    return;
  }
  if (!(expires >= 1 && expires <= EXPIRES_MAX_S)) {
    throw new S3Error('InvalidArgument', 'x-oss-expires must be 1 to 604800 seconds.');
  }
  checkExpiry(gate, signedAt / 1000 + expires);
}

function canonicalRequest(signed: Signed, { additional }: Claim, empty: '' | '='): string {
  const { bucketName, key, method, query } = signed;
  const path = bucketName === '' ? '/' : `/${bucketName}/${key}`;
  const parameters = [...query]
    .filter(([name]) => name !== 'x-oss-signature')
    .map(([name, value]): [string, string] => [encodeStrictly(name), encodeStrictly(value)])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) =>
      value === '' ? name + emptyMark(name, empty, signed) : `${name}=${value}`,
    );
  const headers = Object.keys(signed.headers)
    .filter(
      (name) =>
        name === 'content-type' ||
        name === 'content-md5' ||
        name.startsWith('x-oss-') ||
        additional.includes(name),
    )
    .sort()
    .map((name) => `${name}:${headerText((rawHeader(signed, name) ?? '').trim())}\n`);
  return [
    method,
    encodeStrictly(path).replaceAll('%2F', '/'),
    parameters.join('&'),
    headers.join(''),
    additional.join(';'),
    'UNSIGNED-PAYLOAD',
  ].join('\n');
}

/** A parameter that was sent without an equals sign is never signed with one. */
function emptyMark(name: string, empty: '' | '=', { rawQuery }: Signed): string {
  return rawQuery.split('&').includes(`${name}=`) ? empty : '';
}
