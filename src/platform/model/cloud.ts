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
