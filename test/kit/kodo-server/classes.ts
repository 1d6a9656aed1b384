import { KodoError } from './kodo-error.ts';

/** Kodo's numbers of storage classes, and S3's words: https://developer.qiniu.com/kodo/3710/chtype */
const classes = [
  'STANDARD',
  'STANDARD_IA',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
  'INTELLIGENT_TIERING',
] as const;

/** @throws {KodoError} `invalid argument` */
export function classOfType(type: number): string {
  const word = classes[type];
  if (word === undefined) throw new KodoError('invalid argument');
  return word;
}

export function typeOfClass(storageClass: string): number {
  return classes.findIndex((word) => word === storageClass);
}

export const archives: ReadonlySet<string> = new Set<(typeof classes)[number]>([
  'GLACIER',
  'DEEP_ARCHIVE',
]);
