import { type Static, Type } from 'typebox';
import { GiB, MiB } from '../../platform/base/bytes.ts';
import { logLevels } from '../../platform/base/log.ts';
import { cloudTypes } from '../../platform/model/cloud.ts';
import { storeDialects } from '../../platform/stores/providers.ts';
import { addressings } from '../../platform/stores/provider.ts';

/** What a process can do; a process has one or more of these roles. */
export const roles = ['api', 'worker', 'scheduler'] as const;
export type Role = (typeof roles)[number];

/** The form of each text, and the message for a text of another form. */
const patterns = {
  endpoint: {
    pattern: '^https?://[^/?#@\\s]+/?$',
    hint: 'must be a scheme, a host and a port, like https://host:9000',
  },
  issuer: {
    pattern:
      '^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:\\d+)?)(/[^?#\\s]*)?$',
    hint: 'must be an https:// URL; http:// is allowed for this machine only',
  },
  accessKey: {
    pattern: '^[^:\\s]{4,128}:[^:\\s]{8,256}:[^:\\s/]{1,64}$',
    hint: 'must be AK:SK:PROJECT_ID: 4, 8 and 1 characters or more, without spaces',
  },
  groupsPrefix: {
    pattern: '^[A-Za-z0-9._@-][A-Za-z0-9._@ -]{0,31}$',
    hint: 'must be 1 to 32 letters, digits and any of ._@ -, as names of groups have',
  },
  databaseUrl: { pattern: '^postgres(ql)?://', hint: 'must be a postgres:// URL' },
  token: {
    pattern: '^[\\x21-\\x7e]+$',
    hint: 'must consist of printable ASCII characters without spaces, because it is sent in a header',
  },
} as const;

/** The message for a text that does not match this pattern. */
export function hintOfPattern(pattern: string): string | undefined {
  return Object.values(patterns).find((known) => known.pattern === pattern)?.hint;
}

/** What the file says of one cloud's region; as `MappedEndpoint`, but with a file for the authority. */
const Endpoint = Type.Object(
  {
    cloud: Type.Enum([...cloudTypes]),
    region: Type.String({ minLength: 1, description: '`*` for every region of the cloud' }),
    endpoint: Type.String({
      pattern: patterns.endpoint.pattern,
      description: 'Scheme, host and port',
    }),
    addressing: Type.Optional(Type.Enum([...addressings])),
    dialect: Type.Optional(
      Type.Enum([...storeDialects], {
        description: 'The kind of server, if the cloud and the host do not determine it',
      }),
    ),
    caFile: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'PEM file with the certificate of a private authority, relative to the settings file',
      }),
    ),
    signingRegion: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The region in signatures, if it differs from `region`',
      }),
    ),
  },
  { additionalProperties: false },
);

const claim = (description: string) => Type.String({ minLength: 1, maxLength: 100, description });
const issuerUrl = { pattern: patterns.issuer.pattern, maxLength: 500 };

/** An issuer whose tokens are accepted; as `Issuer`. */
const Oidc = Type.Object(
  {
    issuer: Type.String({ ...issuerUrl, description: 'Equals `iss`' }),
    audience: Type.String({ minLength: 1, description: 'A value that `aud` must contain' }),
    jwksUri: Type.Optional(
      Type.String({ ...issuerUrl, description: 'By default found by discovery' }),
    ),
    userClaim: Type.String({ default: 'sub', minLength: 1, maxLength: 100 }),
    projectClaim: Type.Optional(claim('The claim with the ID of the project')),
    project: Type.Optional(claim('The ID of the project, if no claim contains it')),
    groupsClaim: Type.Optional(claim('The claim with the names of groups')),
    groupsPrefix: Type.Optional(
      Type.String({
        pattern: patterns.groupsPrefix.pattern,
        description: 'Prefix of their names in this service',
      }),
    ),
    mapsUsers: Type.Boolean({
      default: false,
      description: 'Whether a token also has the grants of the local user of that name',
    }),
  },
  { additionalProperties: false },
);

/**
 * Every setting, once: `partBytes` here and in the file is `BRIGADE_PART_BYTES` in the environment.
 * The same schema checks them, gives their defaults and prints the reference table.
 */
export const SettingsSchema = Type.Object(
  {
    roles: Type.Array(Type.Enum([...roles]), {
      default: [...roles],
      minItems: 1,
      description:
        'Roles of this process: api, worker and scheduler, separated by commas; all of them by default. ' +
        'Fewer than all require an external PostgreSQL',
    }),
    host: Type.String({
      default: '127.0.0.1',
      minLength: 1,
      description: 'Address to listen on; 0.0.0.0 for all addresses of this machine',
    }),
    port: Type.Integer({
      default: 8080,
      minimum: 0,
      maximum: 65_535,
      description: 'Port to listen on; 0 chooses a free port',
    }),
    tlsCertFile: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'PEM file with the certificate for HTTPS, and its intermediate certificates',
      }),
    ),
    tlsKeyFile: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'PEM file with its private key, without a passphrase',
      }),
    ),
    tlsMinVersion: Type.Enum(['TLSv1.2', 'TLSv1.3'], {
      default: 'TLSv1.2',
      description: 'Oldest version of TLS that is accepted',
    }),
    trustProxy: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Addresses and networks (10.1.0.0/16) of proxies in front of this service. Only their X-Forwarded-For, ' +
        '-Proto and -Host headers are used',
    }),
    dataDir: Type.String({
      default: './brigade-data',
      minLength: 1,
      description: 'Directory of the private database and the sealing key, on a local disk',
    }),
    databaseUrl: Type.Optional(
      Type.String({
        pattern: patterns.databaseUrl.pattern,
        secret: true,
        description:
          'URL of a PostgreSQL 15 or later, postgres://…; by default the service runs a private one',
      }),
    ),
    secretKey: Type.Optional(
      Type.String({
        secret: true,
        description:
          'Key that encrypts credentials: 32 bytes, as 64 hexadecimal digits or in base64; ' +
          'by default generated and kept in secret.key in the data directory',
      }),
    ),
    oldSecretKeys: Type.Array(Type.String(), {
      default: [],
      secret: true,
      description:
        'Previous keys, separated by commas: they decrypt existing values and encrypt nothing; used for key rotation',
    }),
    bootstrapToken: Type.Optional(
      Type.String({
        minLength: 16,
        maxLength: 1024,
        pattern: patterns.token.pattern,
        secret: true,
        description: 'Token of the first project; by default generated and printed once',
      }),
    ),
    bootstrapAccessKey: Type.Optional(
      Type.String({
        pattern: patterns.accessKey.pattern,
        secret: true,
        description:
          'First access key, as AK:SK:PROJECT_ID, for clients that sign requests. It belongs to the user bootstrap, ' +
          'an administrator of that project',
      }),
    ),
    firstTokens: Type.Boolean({
      default: true,
      description: 'Whether first tokens are accepted; set it to false when other users exist',
    }),
    allowEndpoints: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Endpoints that requests may name: hosts, `*.domain`, addresses (`10.0.0.5`, `[fd00::5]`), ' +
        'each also with `:port`, networks (`10.1.0.0/16`) and origins (`https://host`); ' +
        'separated by commas in the environment',
    }),
    logInsPerMinute: Type.Integer({
      default: 30,
      minimum: 0,
      maximum: 10_000_000,
      description: 'Log-ins with a password per minute from one address; 0 for no limit',
    }),
    authFailuresPerMinute: Type.Integer({
      default: 60,
      minimum: 0,
      maximum: 10_000_000,
      description:
        'Wrong credentials per minute from one address, after which its further credentials are not checked; 0 for no limit',
    }),
    callsPerMinute: Type.Integer({
      default: 600,
      minimum: 0,
      maximum: 10_000_000,
      description:
        'Creations, starts, stops, deletions, statistics and changes of users per minute, in one project ' +
        'and from one address; 0 for no limit',
    }),
    eventsPerMinute: Type.Integer({
      default: 60_000,
      minimum: 0,
      maximum: 10_000_000,
      description: 'Event requests per minute, in one project and from one address; 0 for no limit',
    }),
    listsPerMinute: Type.Integer({
      default: 3_000,
      minimum: 0,
      maximum: 10_000_000,
      description:
        'Pages of objects, of the audit and of users per minute, in one project and from one address; ' +
        '0 for no limit',
    }),
    logLevel: Type.Enum([...logLevels], {
      default: 'info',
      description: 'Lowest level that is logged',
    }),
    concurrency: Type.Integer({
      default: 48,
      minimum: 1,
      maximum: 1024,
      description: 'Objects that this process copies at the same time',
    }),
    taskConcurrency: Type.Integer({
      default: 32,
      minimum: 1,
      maximum: 1024,
      description:
        'Objects of one task at the same time. If several tasks have work, each leaves the same part free for the others',
    }),
    partBytes: Type.Integer({
      default: 16 * MiB,
      minimum: 5 * MiB,
      maximum: 5 * GiB,
      description: 'Size of the parts of a large object; larger for objects with very many parts',
    }),
    putBytes: Type.Integer({
      default: 32 * MiB,
      minimum: 1,
      maximum: 5 * GiB,
      description:
        'Objects up to this size are sent in one request if the source reports their MD5; others in parts',
    }),
    partConcurrency: Type.Integer({
      default: 4,
      minimum: 1,
      maximum: 64,
      description: 'Parts of one object that are copied at the same time',
    }),
    speedFloorBytes: Type.Integer({
      default: 1_024,
      minimum: 0,
      maximum: MiB,
      description:
        'Lowest speed of a connection to a store in bytes per second, averaged over 60 seconds of waiting for it. A slower ' +
        'connection is closed, and its object is tried again later; 0 for no limit',
    }),
    eventKeysMax: Type.Integer({
      default: 100,
      minimum: 1,
      maximum: 10_000,
      description: 'Object keys in one event request (the OMS reference says both 10 and 100)',
    }),
    tasksMax: Type.Integer({
      default: 5,
      minimum: 1,
      maximum: 10_000,
      description: 'Synchronization tasks of one project (5, as in OMS)',
    }),
    retentionDays: Type.Integer({
      default: 90,
      minimum: 1,
      maximum: 3650,
      description:
        'Days that ended scans, and messages and attempts in the list of objects, are kept; the entries of the list are kept as long as their task',
    }),
    auditDays: Type.Integer({
      default: 400,
      minimum: 1,
      maximum: 36_500,
      description: 'Days that entries of the audit are kept',
    }),
    uploadDays: Type.Integer({
      default: 7,
      minimum: 1,
      maximum: 365,
      description:
        'Days that an unfinished upload of a failed object, or of a stopped task, is kept, so that it can be continued',
    }),
    attempts: Type.Integer({
      default: 12,
      minimum: 1,
      maximum: 100,
      description: 'Attempts in a row without progress, after which an object counts as failed',
    }),
    backoffBaseMs: Type.Integer({
      default: 1_000,
      minimum: 10,
      maximum: 3_600_000,
      description: 'Milliseconds before the second attempt; doubled for each further attempt',
    }),
    backoffMaxMs: Type.Integer({
      default: 900_000,
      minimum: 10,
      maximum: 86_400_000,
      description: 'Maximum number of milliseconds between attempts',
    }),
    notFoundSeconds: Type.Integer({
      default: 60,
      minimum: 0,
      maximum: 3_600,
      description:
        'Seconds after an event, or after a scan found the object, during which an object that is missing at the source ' +
        'is looked for again before it counts as failed; 0 to fail at once',
    }),
    checkBuckets: Type.Boolean({
      default: true,
      description:
        'Whether the service checks, when a task is created or started, that both buckets permit what it needs',
    }),
    restoreDays: Type.Integer({
      default: 3,
      minimum: 1,
      maximum: 7,
      description: 'Days for which a task with enable_restore restores archived objects',
    }),
    restoreWaitHours: Type.Integer({
      default: 72,
      minimum: 1,
      maximum: 720,
      description:
        'Hours to wait for the restoration of an archived object, before it counts as failed',
    }),
    leaseSeconds: Type.Integer({
      default: 60,
      minimum: 15,
      maximum: 3600,
      description: 'Seconds after which the objects of a worker that has died go to another worker',
    }),
    timeZone: Type.String({
      default: 'UTC',
      minLength: 1,
      description: 'Time zone of the monthly statistics, such as Europe/Berlin',
    }),
    oidc: Type.Array(Oidc, {
      default: [],
      description:
        'Only in the file: issuers whose JWTs are accepted as tokens; a list of {issuer, audience} with, as ' +
        'needed, jwksUri, userClaim (sub by default), mapsUsers, groupsClaim, groupsPrefix, projectClaim and project',
    }),
    endpoints: Type.Array(Endpoint, {
      default: [],
      description:
        'Only in the file: endpoints of the regions of clouds, which are trusted even if their addresses are private; ' +
        'a list of {cloud, region, endpoint} with, as needed, addressing, dialect, caFile and ' +
        'signingRegion',
    }),
  },
  { additionalProperties: false },
);

/** As read, with secrets still open. */
export type PlainSettings = Static<typeof SettingsSchema>;
