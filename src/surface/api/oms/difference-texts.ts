import type { ListDifferencesReply } from './schemas/differences.ts';

type Row = ListDifferencesReply['differences'][number];

/** The columns, in the order in which a file has them. */
export const differenceColumns = [
  'object_key',
  'comparison',
  'reason',
  'source_size',
  'source_time',
  'source_etag',
  'source_checksum',
  'target_size',
  'target_time',
  'target_etag',
  'target_checksum',
  'message',
] as const satisfies readonly (keyof Row)[];

/**
 * Spreadsheets run what begins with one of these signs, or with a control character before it, as a formula:
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^[=+\-@\p{Cc}]/u;

/** How a report can be exported; each with its content type. */
export const differenceTexts = {
  ndjson: {
    contentType: 'application/x-ndjson; charset=utf-8',
    head: '',
    line: (row: Row): string => `${JSON.stringify(row)}\n`,
  },
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: record(differenceColumns),
    line: (row: Row): string => record(differenceColumns.map((name) => row[name])),
  },
} as const;

/** https://www.rfc-editor.org/rfc/rfc4180 */
function record(cells: readonly (string | number | null)[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return value.toString();
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
