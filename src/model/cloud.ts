/** The clouds, in OMS's spelling and order. `AWS` also stands for every S3-compatible store. */
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
] as const;

export type CloudType = (typeof cloudTypes)[number];
