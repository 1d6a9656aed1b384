import { type Static, Type } from 'typebox';
import { GiB, MiB } from '../../platform/base/bytes.ts';
import { logLevels } from '../../platform/base/log.ts';
import { cloudTypes } from '../../platform/model/cloud.ts';
import { storeDialects } from '../../platform/stores/providers.ts';
import { addressings } from '../../platform/stores/provider.ts';

/** What a process can do; a process has one or more of these roles. */
export const roles = ['api', 'worker', 'scheduler'] as const;
export type Role = (typeof roles)[number];

/** What a text has to look like, and how a person is told that it does not. */
const patterns = {
  endpoint: {
    pattern: '^https?://[^/?#@\\s]+/?$',
    hint: 'must be a scheme, a host and a port, like https://host:9000',
  },
  issuer: {
    pattern:
      '^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:\\d+)?)(/[^?#\\s]*)?$',
    hint: 'must be an https:// URL; http:// is taken for this machine only',
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
    hint: 'must be of letters, digits and signs of ASCII, without spaces: it travels in a header',
  },
} as const;

/** What to tell where a text does not match this pattern. */
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
        description: 'How it speaks, where that is not known from the cloud and the host',
      }),
    ),
    caFile: Type.Optional(
      Type.String({ minLength: 1, description: 'PEM of a private authority; beside the file' }),
    ),
    signingRegion: Type.Optional(
      Type.String({ minLength: 1, description: 'For the signature, where it is not the region' }),
    ),
  },
  { additionalProperties: false },
);

const claim = (description: string) => Type.String({ minLength: 1, maxLength: 100, description });
const issuerUrl = { pattern: patterns.issuer.pattern, maxLength: 500 };

/** An issuer whose tokens are let in; as `Issuer`. */
const Oidc = Type.Object(
  {
    issuer: Type.String({ ...issuerUrl, description: 'As in `iss`' }),
    audience: Type.String({ minLength: 1, description: 'What `aud` must have' }),
    jwksUri: Type.Optional(Type.String({ ...issuerUrl, description: 'Else by discovery' })),
    userClaim: Type.String({ default: 'sub', minLength: 1, maxLength: 100 }),
    projectClaim: Type.Optional(claim('Has the ID of the project')),
    project: Type.Optional(claim('ID of the project where no claim says it')),
    groupsClaim: Type.Optional(claim('Has names of groups')),
    groupsPrefix: Type.Optional(
      Type.String({
        pattern: patterns.groupsPrefix.pattern,
        description: 'Stands before their names here',
      }),
    ),
    mapsUsers: Type.Boolean({ default: false, description: 'Users here of that name are meant' }),
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
        'What this process does: any of api, worker and scheduler, separated by commas; all of them by default. ' +
        'Fewer need a PostgreSQL of your own',
    }),
    host: Type.String({
      default: '127.0.0.1',
      minLength: 1,
      description: 'Address to listen on; 0.0.0.0 for all of this machine',
    }),
    port: Type.Integer({
      default: 8080,
      minimum: 0,
      maximum: 65_535,
      description: 'Port to listen on; 0 takes a free one',
    }),
    tlsCertFile: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'PEM of the certificate to serve HTTPS with, and those between it and its root',
      }),
    ),
    tlsKeyFile: Type.Optional(
      Type.String({ minLength: 1, description: 'PEM of its key, without a passphrase' }),
    ),
    tlsMinVersion: Type.Enum(['TLSv1.2', 'TLSv1.3'], {
      default: 'TLSv1.2',
      description: 'Oldest version of TLS that is spoken',
    }),
    trustProxy: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Addresses and networks (10.1.0.0/16) of proxies before this service, whose X-Forwarded-For, ' +
        '-Proto and -Host are believed; of others they are not',
    }),
    dataDir: Type.String({
      default: './brigade-data',
      minLength: 1,
      description: 'Folder for the private database and the sealing key, on a local disk',
    }),
    databaseUrl: Type.Optional(
      Type.String({
        pattern: patterns.databaseUrl.pattern,
        secret: true,
        description: 'postgres://… of a PostgreSQL 15 or later; a private one is run when absent',
      }),
    ),
    secretKey: Type.Optional(
      Type.String({
        secret: true,
        description:
          'Key that seals credentials: 32 bytes as 64 hexadecimal digits or in base64; ' +
          'else kept in secret.key in the data directory',
      }),
    ),
    oldSecretKeys: Type.Array(Type.String(), {
      default: [],
      secret: true,
      description:
        'Keys that still open what they sealed before, and seal nothing: for a change of the key',
    }),
    bootstrapToken: Type.Optional(
      Type.String({
        minLength: 16,
        maxLength: 1024,
        pattern: patterns.token.pattern,
        secret: true,
        description: 'Token of the first project; else generated and printed once',
      }),
    ),
    bootstrapAccessKey: Type.Optional(
      Type.String({
        pattern: patterns.accessKey.pattern,
        secret: true,
        description:
          'First access key, as AK:SK:PROJECT_ID, for clients that sign; of the user bootstrap, ' +
          'an administrator of that project',
      }),
    ),
    firstTokens: Type.Boolean({
      default: true,
      description:
        'Whether the tokens of first starts are let in; false once there are users of your own',
    }),
    allowEndpoints: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'What requests may name as an endpoint: hosts, `*.domain`, addresses (`10.0.0.5`, `[fd00::5]`), ' +
        'each also with `:port`, networks (`10.1.0.0/16`) and origins (`https://host`); ' +
        'in the environment separated by commas',
    }),
    logInsPerMinute: Type.Integer({
      default: 30,
      minimum: 0,
      maximum: 10_000_000,
      description: 'Log-ins by password a minute from one address; 0: as many as come',
    }),
    authFailuresPerMinute: Type.Integer({
      default: 60,
      minimum: 0,
      maximum: 10_000_000,
      description:
        'Wrong credentials a minute from one address, before others of it are not looked at; 0: any number',
    }),
    callsPerMinute: Type.Integer({
      default: 600,
      minimum: 0,
      maximum: 10_000_000,
      description:
        'Creations, starts, stops, deletions, statistics and changes of users a minute, of one project ' +
        'and from one address; 0: as many as come',
    }),
    eventsPerMinute: Type.Integer({
      default: 60_000,
      minimum: 0,
      maximum: 10_000_000,
      description:
        'Requests with events a minute, of one project and from one address; 0: as many as come',
    }),
    listsPerMinute: Type.Integer({
      default: 3_000,
      minimum: 0,
      maximum: 10_000_000,
      description:
        'Pages of objects, of the audit and of users a minute, of one project and from one address; ' +
        '0: as many as come',
    }),
    logLevel: Type.Enum([...logLevels], {
      default: 'info',
      description: 'Least urgent to be logged',
    }),
    concurrency: Type.Integer({
      default: 48,
      minimum: 1,
      maximum: 1024,
      description: 'Objects in work at once in this process',
    }),
    taskConcurrency: Type.Integer({
      default: 32,
      minimum: 1,
      maximum: 1024,
      description:
        'Of these, objects of one task that is alone; of several, each leaves a like part to the others',
    }),
    partBytes: Type.Integer({
      default: 16 * MiB,
      minimum: 5 * MiB,
      maximum: 5 * GiB,
      description: 'Size of a part of a large object; grown for objects of very many parts',
    }),
    putBytes: Type.Integer({
      default: 32 * MiB,
      minimum: 1,
      maximum: 5 * GiB,
      description:
        'Objects up to this size are sent in one piece where the source tells their MD5; else in parts',
    }),
    partConcurrency: Type.Integer({
      default: 4,
      minimum: 1,
      maximum: 64,
      description: 'Parts of one object in flight',
    }),
    speedFloorBytes: Type.Integer({
      default: 1_024,
      minimum: 0,
      maximum: MiB,
      description:
        'Bytes a second that a connection must carry at least, over each 60 seconds of waiting for it; a slower one ' +
        'is closed, and its object tried again later; 0: any speed',
    }),
    eventKeysMax: Type.Integer({
      default: 100,
      minimum: 1,
      maximum: 10_000,
      description: 'Object names in one event request (the OMS reference says both 10 and 100)',
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
        'Days that ended scans, and messages and attempts in the list of objects, are kept; its lines stay with their task',
    }),
    auditDays: Type.Integer({
      default: 400,
      minimum: 1,
      maximum: 36_500,
      description: 'Days that the audit is kept',
    }),
    uploadDays: Type.Integer({
      default: 7,
      minimum: 1,
      maximum: 365,
      description:
        'Days that an unfinished upload of a failed object, or of a stopped task, is kept to go on with',
    }),
    attempts: Type.Integer({
      default: 12,
      minimum: 1,
      maximum: 100,
      description: 'Attempts in a row that get nowhere with an object, before it counts as failed',
    }),
    backoffBaseMs: Type.Integer({
      default: 1_000,
      minimum: 10,
      maximum: 3_600_000,
      description: 'Milliseconds before the second attempt; doubled each time',
    }),
    backoffMaxMs: Type.Integer({
      default: 900_000,
      minimum: 10,
      maximum: 86_400_000,
      description: 'Milliseconds between attempts at most',
    }),
    notFoundSeconds: Type.Integer({
      default: 60,
      minimum: 0,
      maximum: 3_600,
      description:
        'Seconds after an event, or after a scan found the object, in which an object that the source does not ' +
        'have is looked for again, before it counts as failed; 0: it fails at once',
    }),
    checkBuckets: Type.Boolean({
      default: true,
      description:
        'Whether buckets are asked, when a task is created or started, if they will do what it asks for',
    }),
    restoreDays: Type.Integer({
      default: 3,
      minimum: 1,
      maximum: 7,
      description: 'Days that a task with enable_restore has archived objects restored for',
    }),
    restoreWaitHours: Type.Integer({
      default: 72,
      minimum: 1,
      maximum: 720,
      description:
        'Hours that an archived object may take to be restored, before it counts as failed',
    }),
    leaseSeconds: Type.Integer({
      default: 60,
      minimum: 15,
      maximum: 3600,
      description: "After this long without a sign of life a worker's objects go to another",
    }),
    timeZone: Type.String({
      default: 'UTC',
      minLength: 1,
      description: 'Whose months the monthly statistics count, as Europe/Berlin',
    }),
    oidc: Type.Array(Oidc, {
      default: [],
      description:
        'Only in the file: whose JWTs are let in as tokens; a list of {issuer, audience} with, where ' +
        'needed, jwksUri, userClaim (else sub), mapsUsers, groupsClaim, groupsPrefix, projectClaim and project',
    }),
    endpoints: Type.Array(Endpoint, {
      default: [],
      description:
        'Only in the file: where the regions of a cloud are, trusted, private addresses too; ' +
        'a list of {cloud, region, endpoint} with, where needed, addressing, dialect, caFile and ' +
        'signingRegion',
    }),
  },
  { additionalProperties: false },
);

/** As read, with secrets still open. */
export type PlainSettings = Static<typeof SettingsSchema>;
