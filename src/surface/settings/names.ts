const PREFIX = 'BRIGADE_';

/** Names that settings no longer have, with the new ones. An old name stops the start. */
export const renamedSettings: ReadonlyMap<string, string> = new Map([
  ['width', 'concurrency'],
  ['taskWidth', 'taskConcurrency'],
  ['partWidth', 'partConcurrency'],
]);

/** The environment variable of a setting: `partBytes` is `BRIGADE_PART_BYTES`. */
export function variableOf(key: string): string {
  return PREFIX + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/**
 * Names settings as the operator knows them. Below the surface a text says
 * `{settings.allowEndpoints}`, since only the surface knows where settings come from.
 *
 * @example
 * nameSettings('set {settings.dataDir}'); // 'set BRIGADE_DATA_DIR'
 */
export function nameSettings(text: string): string {
  if (!text.includes('{settings.')) return text;
  return text.replace(/\{settings\.([a-zA-Z]+)\}/g, (_mention, key: string) => variableOf(key));
}
