import { type Static, Type } from 'typebox';
import { cloudTypes } from '../../../../platform/model/cloud.ts';
import { cdnAuthenticationTypes, cdnProtocols } from '../../../../platform/model/source-cdn.ts';
import { syncTaskStatuses } from '../../../../platform/model/sync-task.ts';
import { anyTime, oneOf, orNull, timestamp } from '../../kit/common-schemas.ts';
import { choicesInBody, choicesInReply } from '../task-choices.ts';

/*
 * Names, limits and defaults are those of the OMS API reference, "Synchronization Task Management", but
 * for what docs/reference/api.md lists; what is ours says "Extension".
 */

export const LIMIT_DEFAULT = 10;
export const OFFSET_DEFAULT = 0;

/** Of SourceCdnResp. */
const sourceCdn = {
  domain: Type.String({
    minLength: 1,
    maxLength: 1024,
    description: 'A host, optionally with a port',
  }),
  protocol: oneOf(cdnProtocols),
  authentication_type: oneOf(cdnAuthenticationTypes),
};

const cryptoType = (whose: string) =>
  Type.Optional(
    oneOf(['DEFAULT', 'KMS'], {
      default: 'DEFAULT',
      description: `How the ${whose} credentials are encrypted. This version reads DEFAULT only`,
    }),
  );

const kmsKeyId = Type.Optional(Type.String({ maxLength: 36, description: 'With KMS' }));

const cdnKey = () =>
  Type.String({
    maxLength: 255,
    description: 'The key of the CDN; an empty key counts as absent',
  });

const region = () => Type.String({ minLength: 1, maxLength: 100 });

/** The characters are checked where an address is made of them. */
const bucket = () =>
  Type.String({
    minLength: 1,
    maxLength: 255,
    description:
      'Letters, digits, dots, hyphens and underscores, beginning with a letter or a digit; at Azure also $web, $root, $logs and $blobchangefeed',
  });

const accessKey = () => Type.String({ minLength: 1, maxLength: 100 });
/** Longer than in OMS, because Azure's tokens and connection strings are secrets, too. */
const secretKey = () => Type.String({ minLength: 1, maxLength: 2048 });

/** An empty token counts as absent, because forms send fields that were not filled in. */
const securityToken = (whose: string) =>
  Type.Optional(
    Type.String({
      maxLength: 8192,
      description: `Extension: of temporary credentials, beside the keys of the ${whose}`,
    }),
  );

/** Users look for the name of their server among the clouds. */
const compatibleStores = (side: 'src' | 'dst') =>
  'AWS stands for every S3-compatible store, such as MinIO, Ceph, Cloudflare R2, Wasabi or Backblaze B2; ' +
  `give its address in ${side}_endpoint`;

const endpoint = (whose: string) =>
  Type.Optional(
    Type.String({
      maxLength: 2048,
      description: `Extension: the address of the ${whose} store, for a cloud that has no fixed one`,
    }),
  );

export const ListSyncTasksQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: LIMIT_DEFAULT })),
  offset: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 10_000,
      default: OFFSET_DEFAULT,
      description: 'Index of the first record',
    }),
  ),
  status: Type.Optional(oneOf(syncTaskStatuses, { description: 'By default tasks of any status' })),
});

export const ShowSyncTaskQuery = Type.Object({
  query_time: anyTime('Milliseconds; the monthly numbers are of the calendar month that has it'),
});

export const CreateSyncTaskBody = Type.Object({
  src_cloud_type: Type.Optional(
    oneOf(cloudTypes, { 'default': 'Aliyun', 'x-hint': compatibleStores('src') }),
  ),
  src_region: region(),
  src_bucket: bucket(),
  src_endpoint: endpoint('source'),
  src_ak: accessKey(),
  src_sk: secretKey(),
  src_security_token: securityToken('source'),
  src_crypto_type: cryptoType('source'),
  src_kms_key_id: kmsKeyId,
  dst_cloud_type: Type.Optional(
    oneOf(cloudTypes, {
      'default': 'HuaweiCloud',
      'description': 'Extension: the cloud of the destination',
      'x-hint': compatibleStores('dst'),
    }),
  ),
  dst_region: region(),
  dst_bucket: bucket(),
  dst_endpoint: endpoint('destination'),
  dst_ak: accessKey(),
  dst_sk: secretKey(),
  dst_security_token: securityToken('destination'),
  dst_crypto_type: cryptoType('destination'),
  dst_kms_key_id: kmsKeyId,
  ...choicesInBody,
  source_cdn: Type.Optional(
    Type.Object(
      {
        ...sourceCdn,
        authentication_key: Type.Optional(cdnKey()),
        crypto_type: cryptoType('CDN'),
        kms_key_id: kmsKeyId,
      },
      { description: 'A CDN in front of the source bucket, through which its objects are read' },
    ),
  ),
  start: Type.Optional(
    Type.Boolean({
      default: true,
      description: 'Extension: false creates the task STOPPED; it is started by its own call',
    }),
  ),
  initial_scan: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Extension: whether a backfill copies the existing objects of the source at once',
    }),
  ),
  reconcile_hours: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 8_760,
      default: 0,
      description:
        'Extension: hours between scheduled reconciles, which find objects that no event named; 0 for none',
    }),
  ),
});
export type CreateSyncTaskBody = Static<typeof CreateSyncTaskBody>;

/** Credentials as start takes them: all four, or none. */
export const StartSyncTaskBody = Type.Object(
  {
    src_ak: Type.Optional(accessKey()),
    src_sk: Type.Optional(secretKey()),
    src_security_token: securityToken('source'),
    dst_ak: Type.Optional(accessKey()),
    dst_sk: Type.Optional(secretKey()),
    dst_security_token: securityToken('destination'),
    src_crypto_type: cryptoType('source'),
    src_kms_key_id: kmsKeyId,
    dst_crypto_type: cryptoType('destination'),
    dst_kms_key_id: kmsKeyId,
    source_cdn_authentication_key: Type.Optional(cdnKey()),
    source_cdn_crypto_type: cryptoType('CDN'),
    source_cdn_kms_key_id: kmsKeyId,
  },
  {
    description:
      'Extension: without a body, or without the four keys or the key of the CDN, the task continues with the stored ones',
  },
);
export type StartSyncTaskBody = Static<typeof StartSyncTaskBody>;

export const CreateSyncTaskReply = Type.Object(
  { sync_task_id: Type.String() },
  { description: 'OK' },
);

/** OMS's replies have these before the others, and a client may compare texts. */
const {
  description,
  enable_kms,
  enable_metadata_migration,
  enable_restore,
  app_id,
  ...otherChoices
} = choicesInReply;

const syncTask = {
  sync_task_id: Type.String(),
  src_cloud_type: oneOf(cloudTypes),
  src_region: Type.String(),
  src_bucket: Type.String(),
  create_time: timestamp('Milliseconds'),
  last_start_time: timestamp('Milliseconds'),
  dst_bucket: Type.String(),
  dst_region: Type.String(),
  description,
  status: oneOf(syncTaskStatuses),
  enable_kms,
  enable_metadata_migration,
  enable_restore,
  app_id,
};

const syncTaskRest = {
  ...otherChoices,
  src_endpoint: Type.Optional(Type.String({ description: 'Extension: only if it was given' })),
  dst_cloud_type: Type.Optional(
    oneOf(cloudTypes, { description: 'Extension: only if it is not HuaweiCloud' }),
  ),
  dst_endpoint: Type.Optional(Type.String({ description: 'Extension: only if it was given' })),
};

const SyncTaskInfo = Type.Object({
  ...syncTask,
  source_cdn: orNull(Type.Object(sourceCdn)),
  ...syncTaskRest,
});
export type SyncTaskInfo = Static<typeof SyncTaskInfo>;

export const ListSyncTasksReply = Type.Object(
  {
    tasks: Type.Array(SyncTaskInfo),
    count: Type.Integer({ description: 'Number of all matching tasks, on all pages' }),
  },
  { description: 'OK' },
);

const behaviour = {
  conditional_read: orNull(Type.Boolean()),
  range_read: orNull(Type.Boolean()),
  ordered_list: orNull(Type.Boolean()),
  md5_check: orNull(Type.Boolean()),
  conditional_put: orNull(Type.Boolean()),
  conditional_remove: orNull(Type.Boolean()),
};

const behaviourOf = (whose: string) =>
  Type.Optional(
    Type.Object(behaviour, {
      description: `Extension: which promises the ${whose} store kept when the task was checked last. Null: not found out. Absent: not checked`,
    }),
  );

/** Has no `source_cdn`, unlike the list. */
export const ShowSyncTaskReply = Type.Object(
  {
    ...syncTask,
    ...syncTaskRest,
    monthly_acceptance_request: Type.Integer({ description: 'Object keys in accepted events' }),
    monthly_success_object: Type.Integer({ description: 'Objects synchronized' }),
    monthly_failure_object: Type.Integer({ description: 'Objects that failed' }),
    monthly_skip_object: Type.Integer({ description: 'Objects that needed no copy' }),
    monthly_size: Type.Integer({ description: 'Bytes synchronized' }),
    reconcile_hours: Type.Optional(
      Type.Integer({ description: 'Extension: only if the task has scheduled reconciles' }),
    ),
    src_behaviour: behaviourOf('source'),
    dst_behaviour: behaviourOf('destination'),
  },
  { description: 'OK' },
);
export type ShowSyncTaskReply = Static<typeof ShowSyncTaskReply>;
