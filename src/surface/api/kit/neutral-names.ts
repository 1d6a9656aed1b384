import { nameSettings } from '../../settings/names.ts';

/** OMS's names of what the domain calls by neutral paths. */
const names: Readonly<Record<string, string>> = {
  ...ofSide('source', 'src'),
  ...ofSide('target', 'dst'),
  'source.appId': 'app_id',
  'target.storageClass': 'dst_storage_policy',
  'source.prefix': 'src_prefix',
  'target.prefix': 'dst_prefix',
  'keyFilters': 'key_filters',
  'copyFilters': 'copy_filters',
  'kms': 'enable_kms',
  'restore': 'enable_restore',
  'metadata': 'enable_metadata_migration',
  'cdn': 'source_cdn',
  'cdn.domain': 'source_cdn.domain',
  'cdn.protocol': 'source_cdn.protocol',
  'cdn.authenticationType': 'source_cdn.authentication_type',
  'cdn.key': 'source_cdn.authentication_key',
  // A start replaces it by a field of its own.
  'cdnKey': 'source_cdn_authentication_key',
  'keys': 'object_keys',
  'startTime': 'start_time',
  'queryTime': 'query_time',
  'project.tasksMax': 'tasks_max',
  'project.eventKeysMax': 'event_keys_max',
};

function ofSide(side: 'source' | 'target', prefix: 'src' | 'dst'): Record<string, string> {
  return {
    [`${side}.cloud`]: `${prefix}_cloud_type`,
    [`${side}.region`]: `${prefix}_region`,
    [`${side}.bucket`]: `${prefix}_bucket`,
    [`${side}.endpoint`]: `${prefix}_endpoint`,
    [`${side}.accessKeyId`]: `${prefix}_ak`,
    [`${side}.secretAccessKey`]: `${prefix}_sk`,
    [`${side}.sessionToken`]: `${prefix}_security_token`,
  };
}

const MENTION = /\{([a-zA-Z.]+)\}|\[([a-zA-Z.]+)((?:\[\d+\])?)\]/g;

/**
 * Names fields and settings as the client of OMS's API knows them: `{source.bucket}` becomes
 * `src_bucket`, `[source.bucket]`, which is at fault, `[src_bucket]`. All else stays as it is.
 */
export function nameFields(text: string): string {
  const named = text.replace(MENTION, (mention, path?: string, field?: string, index = '') => {
    const name = Object.hasOwn(names, path ?? field ?? '') ? names[path ?? field ?? ''] : undefined;
    if (name === undefined) return mention;
    return path === undefined ? `[${name}${index}]` : name;
  });
  return nameSettings(named);
}

/** What is wrong with a request, in OMS's words: a text that begins with a field speaks of a parameter. */
export function detailOfRequest(text: string): string {
  return nameFields(text).replace(/(^|; )(?=\[)/g, '$1request parameter ');
}
