/**
 * The clouds, in OMS's spelling and order; `Google` is in its migration tasks only. `AWS` also stands
 * for every S3-compatible store.
 */
export const cloudTypes = [
  'AWS',
  'Azure',
  'Aliyun',
  'Tencent',
  'HuaweiCloud',
  'QingCloud',
  'KingsoftCloud',
  'Baidu',
  'Qiniu',
  'UCloud',
  'Google',
] as const;

export type CloudType = (typeof cloudTypes)[number];

/** Clouds where a bucket's name is one in all regions, by what their documents say of names. */
export const globallyNamed: ReadonlySet<CloudType> = new Set<CloudType>([
  'AWS',
  'Aliyun',
  'Tencent',
  'HuaweiCloud',
  'KingsoftCloud',
  'Baidu',
  'Google',
]);
